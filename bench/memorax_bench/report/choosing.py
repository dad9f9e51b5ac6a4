"""From the records of trials to the learning rate of each entry on the track lr4."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Key, Pool, Run, pool_grid
from memorax_bench.records.store import Scan
from memorax_bench.suite.schema import Tuned
from memorax_bench.suite.tracks import RATES, SEEDS, choose_rate
from memorax_bench.suite.trials import Trials

DIGITS = 4  # of a published score; the choice is made by what is published


@dataclass(frozen=True)
class Choices:
    """Entry (`ppo/gru`) -> what was chosen; `lacking` are those of which a trial has no record yet."""

    tuned: Mapping[str, Tuned]
    lacking: tuple[str, ...]


def choose(trials: Trials, scan: Scan) -> Choices:
    """For each entry the learning rate with the best score (`choose_rate`), from the records of the trials."""
    same = [one for one in scan.records if one.record.suite.benchmark_hash == trials.suite.benchmark_hash]
    pools = pool_grid(trials.suite.cells, same, SEEDS)
    tuned, lacking = {}, []
    for entry, settings in trials.settings.items():
        scores = {rate: _score(trials, entry, word, pools) for word, rate in RATES.items()}
        known = {rate: score for rate, score in scores.items() if score is not None}
        if len(known) == len(scores):
            chosen = choose_rate(known, trials.usual[entry])
            tuned[entry] = Tuned(learning_rate=chosen, scores=known, settings=settings)
        else:
            lacking.append(entry)
    return Choices(tuned, tuple(lacking))


def _score(trials: Trials, entry: str, rate: str, pools: Mapping[Key, Pool]) -> float | None:
    """The mean over tasks of the mean over seeds of the normalised area under the curve; None where one is missing.

    A seed that diverged counts as if it had earned the least that is possible throughout.
    """
    means = []
    for cell in trials.cells(entry, rate):
        runs = {run.seed: run for run in pools[cell.labels].runs if run.seed in SEEDS}
        if len(runs) < len(SEEDS):
            return None
        raw = stats.failed_as([_area(run) for run in runs.values()], cell.task.hard_min)
        means.append(stats.normalise(raw, cell.task.floor, cell.task.ceiling).mean())
    return round(float(np.mean(means)), DIGITS) + 0.0


def _area(run: Run) -> float | None:
    return run.record.results.auc[run.record.seeds.index(run.seed)]
