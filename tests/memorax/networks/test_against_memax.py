"""Our LRU against that of memax, where it is installed (`pip install 'memax[flax]'`): same parameters, same outputs."""

import jax
import jax.numpy as jnp
import pytest

from fixtures.torso_laws import FEATURES, cell_of
from memorax.networks import as_sequence_model
from memorax.networks.laws import TOLERANCE, difference

linen = pytest.importorskip("memax.linen.semigroups.lru", reason="the package memax is not installed")


def test_lru():
    """memax has as many states as features, and scales each input where we have a skip connection: a diagonal of it."""
    ours = as_sequence_model(cell_of("lru", {"features": FEATURES, "state_dim": FEATURES}))
    theirs = linen.LRU(
        algebra=linen.LRU.default_algebra(recurrent_size=FEATURES),
        scan=linen.LRU.default_scan(),
        hidden_size=FEATURES,
        recurrent_size=FEATURES,
    )
    keys = jax.random.split(jax.random.key(0), 3)
    x, start = jax.random.normal(keys[0], (20, FEATURES)), jax.random.bernoulli(keys[1], 0.2, (20,)).at[0].set(True)

    with jax.default_matmul_precision("highest"):
        carry = theirs.zero_carry()
        params = theirs.init(keys[2], carry, (x, start))
        p = params["params"]
        cell = {
            "nu": p["nu_log"],
            "theta": p["theta_log"],
            "gamma": p["gamma_log"],
            "input": {"kernel": jnp.concatenate([p["B_re"].T, p["B_im"].T], -1)},
            "output": {"kernel": jnp.concatenate([p["C_re"].T, -p["C_im"].T])},
            "skip": {"kernel": jnp.diag(p["D"])},
        }
        _, expected = theirs.apply(params, carry, (x, start))
        _, y = ours.apply({"params": {"cell": cell}}, x[None], start[None], ours.initialize_carry(1))
    assert difference(y[0], expected) < TOLERANCE
