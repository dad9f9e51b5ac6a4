"""Sparse initial weights: how many of each unit's are zero, and what the others are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from fixtures.agents import once
from memorax.networks.initializers import sparse


@pytest.mark.parametrize(
    ("shape", "sparsity", "kept"),
    [((100, 7), 0.9, 10), ((25, 3), 0.5, 12), ((4, 6), 0.9, 1), ((3, 3, 5, 8), 0.8, 9), ((10, 2), 0.0, 10)],
)
def test_every_unit_keeps_as_many_weights(shape, sparsity, kept):
    weights = once(lambda key: sparse(sparsity)(key, shape), jax.random.key(0)).reshape(-1, shape[-1])
    assert (weights != 0).sum(0).tolist() == [kept] * shape[-1]
    assert jnp.abs(weights).max() <= 1 / np.sqrt(weights.shape[0])


def test_units_read_different_inputs_and_the_others_weights_are_those_asked_for():
    weights = once(lambda key: sparse(0.5, nn.initializers.constant(3.0))(key, (20, 30)), jax.random.key(0))
    assert set(np.unique(weights)) == {0.0, 3.0}
    assert len({tuple(column) for column in np.array(weights.T).tolist()}) == 30


def test_an_impossible_share_is_refused():
    with pytest.raises(ValueError, match=r"sparse\(sparsity=1.0\): .* must be in \[0, 1\)"):
        sparse(1.0)
