"""Scores: every one is computed anew from the curves and from single episodes, and lies within the task's bounds."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from memorax_bench.cell.scoring import spread, summarise
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.submission.checks.subject import Subject, close, section, whole
from memorax_bench.submission.findings import Said
from memorax_bench.suite.schema import Task

OUTSIDE = 1e-4  # by which a return may leave the bounds: sums of float32 rewards
_DEVIATION = 1e-4  # a standard deviation is rounded more than a mean
_RETURNS = ("mean", "sd", "min", "max")

Rows = Sequence[Mapping[str, float]]  # of one seed, by environment step


def scores(subject: Subject) -> Said:
    """Curves on the protocol's grid, scores and episodes those of the curves."""
    drawn = dict.fromkeys(int(row["seed"]) for row in subject.rows)
    if tuple(drawn) != subject.record.seeds:
        yield "seeds", f"{seed_ranges(subject.record.seeds)}; the curves are of {seed_ranges(drawn)}"
        return
    wrong = [("results.curves", why) for why in _off_grid(subject)]
    if wrong:
        yield from wrong[:1]
        return
    by_seed: dict[int, list[Mapping[str, float]]] = {}
    for row in subject.rows:
        by_seed.setdefault(int(row["seed"]), []).append(row)
    for place, seed in enumerate(subject.record.seeds):
        rows = by_seed[seed]
        yield from (("results.curves", f"seed {seed}, step {step}: {why}") for step, why in _impossible(rows))
        yield from _seed(subject, place, rows)
    yield from _extrapolation(subject)


def _off_grid(subject: Subject) -> Iterable[str]:
    """Why the curves are not one row for each seed and evaluation of the protocol, in that order."""
    protocol = section(subject.config, "protocol")
    total, every, episodes = (whole(protocol.get(key)) for key in ("total_env_steps", "eval_every", "eval_episodes"))
    if total is None or every is None or episodes is None or total < every:
        yield "there is no protocol to hold them against"
        return
    points, seeds = total // every + 1, subject.record.seeds
    if len(subject.rows) != points * len(seeds):
        yield f"{len(subject.rows)} rows for {len(seeds)} seeds and {points} evaluations"
        return
    for number, row in enumerate(subject.rows):
        seed, step = seeds[number // points], number % points * every
        if (row["seed"], row["env_step"], row["n"]) != (seed, step, episodes):
            found = f"seed {row['seed']:.0f}, step {row['env_step']:.0f}, n {row['n']:.0f}"
            yield f"row {number + 1} is of {found}; due is seed {seed}, step {step}, n {episodes}"


def _impossible(rows: Rows) -> Iterable[tuple[int, str]]:
    """The steps of one seed at which the numbers contradict one another."""
    diverged = False
    for row in rows:
        mean, sd, least, most = (row[name] for name in _RETURNS)
        step, n = int(row["env_step"]), row["n"]
        if not (math.isfinite(row["length"]) and row["length"] >= 1):
            yield step, f"length {row['length']} is no length of an episode"
        if math.isnan(mean) and all(math.isnan(row[name]) for name in _RETURNS):
            diverged = True
            continue
        if diverged or not all(math.isfinite(row[name]) for name in _RETURNS):
            yield step, "returns are numbers up to where the seed diverged, and never again"
        elif not (least - 1e-6 <= mean <= most + 1e-6 and sd >= 0):
            yield step, f"min {least}, mean {mean}, max {most}, sd {sd} cannot be of the same episodes"
        elif sd**2 > _largest_variance(mean, least, most, n) + _DEVIATION * max(1.0, sd**2):
            yield step, f"sd {sd} is larger than episodes between {least} and {most} with the mean {mean} have"


def _largest_variance(mean: float, least: float, most: float, n: float) -> float:
    """Of n numbers with this mean and range (Bhatia and Davis 2000), with n - 1 in the denominator."""
    return (most - mean) * (mean - least) * n / (n - 1) if n > 1 else 0.0


def _seed(subject: Subject, place: int, rows: Rows) -> Said:
    """The scores of the seed at a place among the seeds. That none is above the best follows."""
    results = subject.record.results
    finite = not math.isnan(rows[-1]["mean"])
    if results.finite[place] != finite:
        yield f"results.finite.{place}", "not what the end of its curve says"
        return
    given = {name: getattr(results, name)[place] for name in ("final", "auc", "best")}
    returns = results.final_returns[place]
    if not finite:
        yield from ((f"results.{name}.{place}", "a seed that diverged has none") for name, v in given.items() if v)
        if len(returns) != rows[-1]["n"] or any(value is not None for value in returns):
            yield f"results.final_returns.{place}", "a seed that diverged has null for every episode"
        return
    means = np.array([row["mean"] for row in rows[1:]], np.float32)
    for name, value in summarise(means).items():
        if given[name] is None or not close(given[name], float(value)):
            yield f"results.{name}.{place}", f"{given[name]}; by its curve it is {float(value)}"
    yield from _episodes(place, returns, rows[-1])
    yield from _bounds(subject.task, place, returns, rows)


def _episodes(place: int, returns: Sequence[float | None], last: Mapping[str, float]) -> Said:
    """The single episodes of the last evaluation, against its row in the curve."""
    where = f"results.final_returns.{place}"
    if len(returns) != last["n"] or None in returns:
        yield where, f"{len(returns)} episodes, {returns.count(None)} of them null; due are {last['n']:.0f}"
        return
    values = np.array(returns, np.float64)
    wrong = [name for name, value in _spread(values).items() if not _agrees(name, value, last)]
    if wrong:
        told = ", ".join(f"{name} {_spread(values)[name]:.9g} for {last[name]:.9g}" for name in wrong)
        places = _altered(values, last)
        leaf = f"{where}.{places[0]}" if len(places) == 1 else where
        several = f"; one of the episodes {', '.join(map(str, places))}" if len(places) > 1 else ""
        yield leaf, f"the curve ends with other episodes: {told}{several}"


def _spread(values: np.ndarray) -> dict[str, float]:
    with np.errstate(over="ignore", invalid="ignore"):  # of returns that no task has
        return dict(zip(_RETURNS, map(float, spread(values)), strict=True))


def _agrees(name: str, value: float, last: Mapping[str, float]) -> bool:
    return close(value, last[name], _DEVIATION if name == "sd" else 1e-6)


def _altered(values: np.ndarray, last: Mapping[str, float]) -> list[int]:
    """The episodes of which one, put right so that the mean fits, makes everything fit."""
    amount, found = len(values) * (values.mean() - last["mean"]), []
    for place in range(len(values)):
        mended = values.copy()
        mended[place] -= amount
        if all(close(value, last[name], _DEVIATION) for name, value in _spread(mended).items()):
            found.append(place)
    return found


def _bounds(task: Task | None, place: int, returns: Sequence[float | None], rows: Rows) -> Said:
    if task is None:
        return
    limits = f"outside of [{task.hard_min:g}, {task.hard_max:g}], which no return can leave"
    for episode, value in enumerate(returns):
        if value is not None and not _inside(task, value):
            yield f"results.final_returns.{place}.{episode}", f"{value} is {limits}"
    for row in rows:
        for name in ("min", "max"):
            if not math.isnan(row[name]) and not _inside(task, row[name]):
                yield "results.curves", f"seed {row['seed']:.0f}, step {row['env_step']:.0f}: {row[name]} is {limits}"


def _extrapolation(subject: Subject) -> Said:
    """Which variants there are is the suite's; the returns of each lie within its bounds."""
    given, task = subject.record.results.extrapolation or {}, subject.task
    due = section(section(subject.config, "task"), "extrapolate")
    for label in sorted(given.keys() ^ due.keys()):
        yield f"results.extrapolation.{label}", "the configuration says which there are, and says otherwise"
    for label, values in given.items():
        if task is None or label not in (task.extrapolate or {}):
            continue
        there = task.bounded(label)
        for place, value in enumerate(values):
            if value is not None and not _inside(there, value):
                limits = f"[{there.hard_min:g}, {there.hard_max:g}]"
                yield f"results.extrapolation.{label}.{place}", f"{value} is outside of {limits}"


def _inside(task: Task, value: float) -> bool:
    return task.hard_min - OUTSIDE <= value <= task.hard_max + OUTSIDE
