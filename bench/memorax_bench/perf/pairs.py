"""Is head slower than base? From the ratios of pairs of times, one of each, taken in turns.

What else a machine does falls on both times of a pair, so the ratio is steadier than either. The interval is of order
statistics of the ratios: whatever their distribution, it covers their median.
"""

import functools
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MARGIN = 1.10  # ratio above which head is called slower
LEVEL = 0.99  # of the interval: there are many programs
PAIRS = 10  # at least
MOST = 400
PATIENCE = 20  # times the budget, after which even the least number of pairs is not waited for
SLOWER, FASTER, SAME, UNCLEAR, UNMEASURED = "slower", "faster", "not slower", "no evidence", "not measured"


@dataclass(frozen=True)
class Ratio:
    """The median of head/base over pairs, and its interval: 0 and infinity where the pairs are too few for one."""

    median: float
    low: float
    high: float
    pairs: int

    @property
    def verdict(self) -> str:
        """Slower and faster only where the whole interval says so; `no evidence` where it has the margin in it."""
        if self.pairs < PAIRS:
            return UNMEASURED
        if self.low > MARGIN:
            return SLOWER
        if self.high >= MARGIN:
            return UNCLEAR
        return FASTER if self.high < 1 / MARGIN else SAME


def ratio_of(ratios: Sequence[float], level: float = LEVEL) -> Ratio:
    """The median of `ratios` and the narrowest symmetric interval of order statistics that covers it at `level`."""
    ordered, n = sorted(ratios), len(ratios)
    rank = _rank(n, level)
    low, high = (ordered[rank - 1], ordered[n - rank]) if rank else (0.0, math.inf)
    return Ratio(statistics.median(ordered), low, high, n)


@functools.cache
def _rank(n: int, level: float) -> int:
    """The largest such that the median lies below the value of this rank with a chance of (1 - level) / 2 at most.

    That is the chance that fewer than `rank` of n values lie below the median. 0: n is too small.
    """
    rank, chance = 0, 0.0
    while rank < n // 2 and chance + math.comb(n, rank) / 2**n <= (1 - level) / 2:
        chance += math.comb(n, rank) / 2**n
        rank += 1
    return rank


@dataclass(frozen=True)
class Pairs:
    """Seconds of base and of head, as many of each, in the order they were taken."""

    base: tuple[float, ...]
    head: tuple[float, ...]

    @property
    def ratio(self) -> Ratio:
        return ratio_of([head / base for base, head in zip(self.base, self.head, strict=True)])


def take_pairs(
    base: Callable[[], float],
    head: Callable[[], float],
    budget: float,
    rng: random.Random,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Pairs]:
    """Asks both for seconds in turns (ABBA; who begins is drawn) and yields what there is after every second pair, so
    that others can be asked in between: pairs that follow each other at once are not independent.

    Ends when head is clearly not slower, else when `budget` seconds are spent here, but not before `PAIRS` pairs are
    there. An interval above the margin does not end it: something may hold up one side for some seconds.
    """
    sides, spent = [("base", base), ("head", head)], 0.0
    rng.shuffle(sides)
    taken = {"base": [], "head": []}
    while len(taken["base"]) < MOST and spent <= PATIENCE * budget:
        begin = clock()
        for name, side in (*sides, *reversed(sides)):
            taken[name].append(side())
        spent += clock() - begin
        pairs = Pairs(tuple(taken["base"]), tuple(taken["head"]))
        yield pairs
        if len(pairs.base) >= PAIRS and (spent > budget or pairs.ratio.verdict in (SAME, FASTER)):
            break
