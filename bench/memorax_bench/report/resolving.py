"""How many seeds it takes to tell torsos apart by a given difference, from how much stored seeds vary."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Key, Pool, pool_grid
from memorax_bench.records.store import StoredRecord
from memorax_bench.report.ranking import ranked_tasks
from memorax_bench.report.tables import cell_scores
from memorax_bench.suite.load import ResolvedSuite

POWER = 0.8  # with which a difference, where it is one, is to be found
Stored = Mapping[str, Mapping[str, np.ndarray]]  # torso -> ranked task -> normalised scores of its seeds


@dataclass(frozen=True)
class Pair:
    """Two torsos, and how many seeds of each resolve the difference; or why that is not known.

    `spread` is the standard deviation of the family-weighted score of one seed, the root mean square of both torsos';
    `seeds` the least number stored of any ranked task of either.
    """

    torsos: tuple[str, str]
    seeds: int = 0
    spread: float | None = None
    needed: int | None = None
    why: str = ""


@dataclass(frozen=True)
class Comparisons:
    """The pairs under one algorithm, and among how many the level of a test is divided; or why there is no pair."""

    algorithm: str
    pairs: tuple[Pair, ...]
    divided: int = 1
    why: str = ""


@dataclass(frozen=True)
class Resolution:
    """What was asked for, and what it takes under each algorithm."""

    difference: float
    level: float
    power: float
    algorithms: tuple[Comparisons, ...]

    @property
    def needed(self) -> int | None:
        """The seeds that resolve all pairs of which it is known; None where it is of none."""
        known = (pair.needed for each in self.algorithms for pair in each.pairs if pair.needed is not None)
        return max(known, default=None)


def resolve_difference(
    resolved: ResolvedSuite, records: Iterable[StoredRecord], difference: float, power: float = POWER
) -> Resolution:
    """Under each algorithm the ranking's baseline against every other torso; without a baseline, the two best.

    `difference` is one of family-weighted normalised scores over those ranked tasks that were chosen; controls and
    oracles are left out. Records of the same frozen part count, of whatever code: this plans, it does not decide.
    Raises ValueError where the difference does not lie above 0.
    """
    same = [stored for stored in records if stored.record.suite.benchmark_hash == resolved.benchmark_hash]
    pools = pool_grid(resolved.cells, same, resolved.seeds)
    names = dict.fromkeys(cell.algorithm_label for cell in resolved.cells)
    found = tuple(_comparisons(resolved, pools, name, difference, power) for name in names)
    return Resolution(difference, resolved.suite.scoring.interval.level, power, found)


def _comparisons(
    resolved: ResolvedSuite, pools: Mapping[Key, Pool], algorithm: str, difference: float, power: float
) -> Comparisons:
    suite, ranking = resolved.suite, resolved.suite.rankings.torsos
    cells = [cell for cell in resolved.cells if cell.algorithm_label == algorithm]
    ranked = set(ranked_tasks(suite)) & {cell.task_label for cell in cells}
    families = {task: suite.tasks[task].family for task in sorted(ranked)}
    if not families:
        return Comparisons(algorithm, (), why="no ranked task was chosen")
    baseline = None if ranking is None else ranking.baseline
    stored: dict[str, dict[str, np.ndarray]] = {}
    for cell in cells:
        if cell.role is None or cell.torso_label == baseline:
            scores = stored.setdefault(cell.torso_label, {})
            if cell.task_label in families and pools[cell.labels].runs:
                scores[cell.task_label] = cell_scores(pools[cell.labels])
    if baseline in stored:
        two = [(torso, baseline) for torso in stored if torso != baseline]
        why = f"nothing but the baseline {baseline} was chosen"
    else:
        two = _two_best(stored, families)
        why = "there are no two torsos with records of every ranked task"
    divided = len(two) if two and ranking is not None and ranking.correction == "holm" else 1
    settings = {"level": suite.scoring.interval.level, "power": power, "comparisons": divided}
    pairs = tuple(_pair(torsos, stored, families, difference, settings) for torsos in two)
    return Comparisons(algorithm, pairs, divided, "" if pairs else why)


def _two_best(stored: Stored, families: Mapping[str, str]) -> list[tuple[str, str]]:
    """The two complete torsos with the highest means, the better one first; none where there are not two."""
    whole = {torso: scores for torso, scores in stored.items() if families.keys() == scores.keys()}
    best = sorted(whole, key=lambda torso: -stats.family_weighted_mean(whole[torso], families))[:2]
    return [(best[0], best[1])] if len(best) == 2 else []


def _pair(
    torsos: tuple[str, str], stored: Stored, families: Mapping[str, str], difference: float, settings: Mapping
) -> Pair:
    seeds = min(len(stored[torso].get(task, ())) for torso in torsos for task in families)
    for torso in torsos:
        missing = [task for task in families if task not in stored[torso]]
        if missing:
            return Pair(torsos, seeds, why=f"{torso}: {_nothing_of(missing, families)}")
    spreads = [stats.family_spread(stored[torso], families) for torso in torsos]
    if any(map(math.isnan, spreads)):
        return Pair(torsos, seeds, why="one seed has no spread")
    spread = math.sqrt(sum(each**2 for each in spreads) / 2)
    return Pair(torsos, seeds, spread, stats.seeds_needed(spread, difference, **settings))


def _nothing_of(missing: Sequence[str], families: Mapping[str, str]) -> str:
    return "nothing is stored" if len(missing) == len(families) else f"nothing is stored of {', '.join(missing)}"
