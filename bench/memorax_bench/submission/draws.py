"""What nobody chooses: the cells that are run again, and seeds that were not known when they were submitted.

Drawn by the submission's hash, which any change of it changes, and by a number that the verifier chooses or draws and
shows, so that who doubts can repeat it and who submits cannot foresee it.
"""

import random
from collections.abc import Sequence

from memorax_bench.submission.reading import Found
from memorax_bench.suite.schema import MAX_SEED

FRESH = 5
FRESH_RANGE = range(2**20, MAX_SEED + 1)  # no submission has these: seeds are counted from 0


def drawn_records(found: Sequence[Found], count: int, submission: str, seed: int) -> tuple[Found, ...]:
    """One record of each of `count` cells, or of all where there are fewer, in the order of the submission."""
    rng = random.Random(f"{submission} {seed} cells")
    cells = _cells(found)
    chosen = rng.sample(range(len(cells)), min(count, len(cells)))
    return tuple(rng.choice(cells[number]) for number in sorted(chosen))


def cell_count(found: Sequence[Found]) -> int:
    """How many cells these records are of."""
    return len(_cells(found))


def _cells(found: Sequence[Found]) -> list[list[Found]]:
    cells: dict[tuple, list[Found]] = {}
    for item in found:
        cell = item.record.cell
        key = (item.record.suite.benchmark_hash, cell.task, cell.algorithm, cell.torso, cell.config_hash)
        cells.setdefault(key, []).append(item)
    return list(cells.values())


def fresh_seeds(submission: str, seed: int) -> tuple[int, ...]:
    """The seeds of tier 2, sorted."""
    return tuple(sorted(random.Random(f"{submission} {seed} seeds").sample(FRESH_RANGE, FRESH)))
