"""Seeds needed: by hand, against simulated tests, and what the spread is of."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_seeds_by_hand():
    """2 ((1.959964 + .841621) .1 / .05)² + 1.959964² / 4 = 62.79 + .96: 64, as tables of the t test have it."""
    assert stats.seeds_needed(0.1, 0.05) == 64
    assert stats.seeds_needed(1.0, 0.5) == 64
    assert stats.seeds_needed(0.1, 0.05, power=0.9) == 86
    assert stats.seeds_needed(0.0, 0.05) == stats.seeds_needed(0.001, 0.05) == 2


def test_more_comparisons_are_a_higher_level():
    assert stats.seeds_needed(0.1, 0.05, comparisons=5) == stats.seeds_needed(0.1, 0.05, level=0.99)
    assert stats.seeds_needed(0.1, 0.05, comparisons=5) > stats.seeds_needed(0.1, 0.05)


@pytest.mark.parametrize(("spread", "power", "level"), [(0.05, 0.8, 0.95), (0.03, 0.8, 0.95), (0.08, 0.9, 0.99)])
def test_that_many_seeds_find_the_difference(spread, power, level):
    """And, where they are more than a handful, a tenth fewer find it less often than they should."""
    n, rng = stats.seeds_needed(spread, 0.05, power=power, level=level), np.random.default_rng(0)

    def found(n):
        a, b = rng.normal(0.05, spread, (8_000, n)), rng.normal(0, spread, (8_000, n))
        return np.mean(ttest_ind(a, b, axis=1).pvalue < 1 - level)

    assert power - 0.02 < found(n) < power + 0.06
    assert n < 15 or found(round(0.9 * n)) < power


def test_spread_by_hand():
    """Weights 1/4, 1/4, 1/2; variances .02, 0, .08."""
    samples = {"easy": [0.4, 0.6], "hard": [0.1] * 3, "guess": [0.3, 0.7]}
    assert stats.family_spread(samples, FAMILIES) == pytest.approx(math.sqrt(0.02 / 16 + 0.08 / 4))
    assert stats.family_spread({"hard": [0.1] * 3}, FAMILIES) == 0
    assert math.isnan(stats.family_spread({"easy": [0.4, 0.6], "guess": [0.3]}, FAMILIES))


def test_spread_is_that_of_the_score_of_one_seed_in_every_task():
    rng = np.random.default_rng(0)
    sigmas = {"easy": 0.1, "hard": 0.3, "guess": 0.2}
    drawn = {task: rng.normal(0, sigma, 20_000) for task, sigma in sigmas.items()}
    scores = stats.family_weighted_mean({task: values[:, None] for task, values in drawn.items()}, FAMILIES)
    assert stats.family_spread(drawn, FAMILIES) == pytest.approx(scores.std(), rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spread": -0.1}, "spread -0.1"),
        ({"spread": math.nan}, "spread nan"),
        ({"spread": math.inf}, "spread inf"),
        ({"difference": 0}, "difference 0 to resolve"),
        ({"difference": math.nan}, "difference nan"),
        ({"power": 1.0}, "power 1.0"),
        ({"power": 0.05}, "power 0.05 must lie between 0.05"),
        ({"level": 95}, "level=95"),
        ({"comparisons": 0}, "comparisons=0"),
    ],
)
def test_questions_without_an_answer_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stats.seeds_needed(**({"spread": 0.1, "difference": 0.05} | arguments))
