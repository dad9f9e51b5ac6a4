"""Which runs a resample consists of. The k-th task of a statistic has the k-th stream of draws, whatever the method.

So what is drawn depends on nothing but place, number of runs, reps and seed, and may be counted instead (`counting`).
"""

import numpy as np
from numpy.typing import NDArray

from memorax_bench.stats.samples import Samples


def draws(position: int, n: int, taken: int, reps: int, seed: int) -> NDArray[np.int64]:
    """The `taken` of `n` runs in each resample of the task at this position, with replacement: `[reps, taken]`."""
    return np.random.default_rng([seed, position]).integers(n, size=(reps, taken))


def resample(samples: Samples, *, reps: int, seed: int, first: int = 0) -> dict[str, NDArray[np.float64]]:
    """task -> `[reps, n - 1]`, drawn with replacement from its `[n]`; n is 2 at least. `first`: its first stream.

    For what decides between methods: differences and ranks. n - 1 and not n, so that the mean of what is drawn varies
    by s² / n, as the mean of n seeds does. Of n draws it varies by (n - 1) / n of that, and of three seeds in each of
    eight tasks a 95% interval covers 87% of differences; by n - 1 it covers 93% (McCarthy and Snowden 1985, for strata
    of few).
    """
    return {
        task: scores[draws(position, len(scores), len(scores) - 1, reps, seed)]
        for position, (task, scores) in enumerate(samples.items(), first)
    }
