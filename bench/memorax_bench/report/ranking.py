"""What is ranked and against what: ranked tasks, the better control, memory gain, why a row is not ranked."""

from collections.abc import Mapping, Sequence

import numpy as np

from memorax_bench import stats
from memorax_bench.records.comparability import INPUTS, shown
from memorax_bench.records.pooling import Key, Pool
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Suite, Task

MIN_RANKED_SEEDS = 5  # the interval of fewer is too short to rank by, whatever the suite's min_seeds
_BUDGET_TOLERANCE = 0.005

Controls = Mapping[tuple[str, str], stats.Estimate]  # (algorithm, task) -> the better control's normalised mean
Scores = Mapping[Key, np.ndarray]  # the seeds of a cell: normalised, or raw where the task has no ceiling


def ranked_tasks(suite: Suite) -> tuple[str, ...]:
    """The tasks that count: with a ceiling, not `rank: false`, and of the ranking's set where there is one."""
    return tuple(label for label, task in suite.tasks.items() if why_task_unranked(suite, label, task) is None)


def interval_settings(suite: Suite) -> dict[str, float | int]:
    """The keyword arguments of every interval of the report."""
    interval = suite.scoring.interval
    return {"level": interval.level, "reps": interval.reps, "seed": interval.seed}


def why_task_unranked(suite: Suite, label: str, task: Task) -> str | None:
    """Why a task does not count, None where it does."""
    ranking = suite.rankings.torsos
    if task.ceiling is None:
        return "no ceiling, the raw return is shown"
    if not task.rank:
        return "the suite says rank: false"
    if ranking is not None and label not in ranking.tasks:
        return "not among the ranking's tasks"
    return None


def better_controls(resolved: ResolvedSuite, estimates: Mapping[Key, stats.Estimate]) -> Controls:
    """The control with the higher mean, for each algorithm and task with a ceiling of which one is measured."""
    best: dict[tuple[str, str], stats.Estimate] = {}
    for cell in resolved.cells:
        if cell.role == "control" and cell.labels in estimates and cell.task.ceiling is not None:
            found = estimates[cell.labels]
            key = cell.algorithm_label, cell.task_label
            if key not in best or found.value > best[key].value:
                best[key] = found
    return best


def without_need(suite: Suite, controls: Controls) -> tuple[str, ...]:
    """The ranked tasks in which a control comes so close to the ceiling that they show no need for memory."""
    lows = _ceilings_low(suite)
    return tuple(
        task
        for task in ranked_tasks(suite)
        if any(
            label == task and np.isfinite(best.high) and not stats.needs_memory(best.high, lows[task])
            for (_, label), best in controls.items()
        )
    )


def row_gain(suite: Suite, algorithm: str, samples: Mapping[str, np.ndarray], controls: Controls) -> float | None:
    """`stats.memory_gain` of a row's `samples` (task -> normalised scores) over the ranked tasks."""
    ranked = ranked_tasks(suite)
    mine = {task: controls[algorithm, task] for task in ranked if (algorithm, task) in controls}
    families = {task: suite.tasks[task].family for task in ranked}
    return stats.memory_gain(samples, mine, families, _ceilings_low(suite))


def memory_adds(resolved: ResolvedSuite, scores: Scores, controls: Controls) -> dict[str, float]:
    """task -> the most that the mean of any row lies above the better control of its algorithm, normalised."""
    most: dict[str, float] = {}
    for cell in resolved.cells:
        best = controls.get((cell.algorithm_label, cell.task_label))
        if cell.role is None and best is not None and cell.labels in scores:
            added = float(np.mean(scores[cell.labels])) - best.value
            most[cell.task_label] = max(added, most.get(cell.task_label, -np.inf))
    return most


def _ceilings_low(suite: Suite) -> dict[str, float]:
    level = suite.scoring.interval.level
    return {
        label: stats.ceiling_low(task.standard_error, task.floor, task.ceiling, level)
        for label, task in suite.tasks.items()
        if task.ceiling is not None
    }


def why_row_unranked(suite: Suite, algorithm: str, mine: Mapping[str, Pool], ranked: Sequence[str]) -> tuple[str, ...]:
    """Every reason why a row with these pools (task -> Pool) does not rank, apart from the suite being a draft."""
    ranking = suite.rankings.torsos
    reasons = []
    if ranking is not None and algorithm not in ranking.algorithms:
        reasons.append(f"{algorithm} is not in the ranking")
    absent = [task for task in ranked if task not in mine or not mine[task].runs]
    if absent:
        reasons.append(f"incomplete: {', '.join(absent)}")
    needed = max(MIN_RANKED_SEEDS, suite.protocol.min_seeds)
    counted = [mine[task] for task in ranked if task in mine and mine[task].runs] or mine.values()
    if any(0 < len(pool.runs) < needed for pool in counted):
        reasons.append(f"n<{needed}")
    reasons += _other_inputs(suite, mine, ranked)
    for pool in (mine[task] for task in ranked if task in mine):
        budget = pool.cell.config["protocol"]["total_env_steps"]
        for record in pool.records:
            reasons.extend(why for why in record.not_rankable_because if not why.startswith("gate "))  # told next
            reasons.extend(f"gate {name} failed" for name, gate in record.gates.items() if not gate.passed)
            if abs(record.steps_done - budget) > _BUDGET_TOLERANCE * budget:
                reasons.append(f"{record.steps_done:,} steps instead of {budget:,}")
    return tuple(dict.fromkeys(reasons))


def _other_inputs(suite: Suite, mine: Mapping[str, Pool], ranked: Sequence[str]) -> list[str]:
    """Of a row that competes: what it is shown must be what the protocol offers. Controls and oracles are for that."""
    offered = suite.protocol.inputs
    cells = [mine[task].cell for task in ranked if task in mine]
    seen = {tuple(cell.config["protocol"]["inputs"]) for cell in cells if cell.role is None} - {offered}
    return [f"{INPUTS} is {shown(inputs)}, not {shown(offered)}" for inputs in sorted(seen)]
