"""The laws of a torso, measured: how far acting, replaying and resetting are from computing the same function.

An agent acts with one step at a time and learns from whole sequences; where the two differ, the policy that is
improved is not the one that acted. `measure` returns one number a law, to be compared with `TOLERANCE`.
"""

from typing import Any

import jax
import jax.numpy as jnp

from memorax.networks.types import Carry, SequenceModel

TOLERANCE = 1e-5  # relative, float32, matrix products in full precision
TOLERANCE_BFLOAT16 = 0.1  # relative to the largest output; bfloat16 keeps 8 bits, and 40 steps add up

_TIME, _START, _CHUNK = 40, 17, 33  # longer than a chunk of any model; a start and a cut that are not aligned


def measure(model: SequenceModel, key: jax.Array, features: int, batch: int = 4) -> dict[str, jax.Array]:
    """Largest relative difference by law, for random parameters and inputs; jit this function.

    step_equals_sequence: one step at a time against the whole sequence, outputs and last carry
    chunks_equal_sequence: two chunks against the whole sequence
    reset_equals_fresh: after a start against a fresh sequence, whatever was remembered before
    causal: outputs against those with other future inputs
    """
    x_key, other_key, start_key, carry_key, params_key = jax.random.split(key, 5)
    x = jax.random.normal(x_key, (batch, _TIME, features))
    start = jax.random.bernoulli(start_key, 0.1, (batch, _TIME)).at[:, _START].set(True)
    fresh = model.initialize_carry(batch)
    params = model.init(params_key, x[:, :1], start[:, :1], fresh)

    def run(x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        return model.apply(params, x, start, carry)

    used, _ = run(jax.random.normal(carry_key, x.shape), start, fresh)  # a memory with a past
    whole = run(x, start, used)
    first, y_first = run(x[:, :_CHUNK], start[:, :_CHUNK], used)
    last, y_last = run(x[:, _CHUNK:], start[:, _CHUNK:], first)
    changed = x.at[:, _START:].set(jax.random.normal(other_key, x[:, _START:].shape))
    return {
        "step_equals_sequence": difference(_stepwise(run, x, start, used), whole),
        "chunks_equal_sequence": difference((last, jnp.concatenate([y_first, y_last], 1)), whole),
        "reset_equals_fresh": difference(run(x[:, _START:], start[:, _START:], fresh)[1], whole[1][:, _START:]),
        "causal": difference(run(changed, start, used)[1][:, :_START], whole[1][:, :_START]),
    }


def endure(model: SequenceModel, key: jax.Array, features: int, batch: int = 2, steps: int = 10_000) -> dict:
    """What long episodes, large inputs, low precision and many seeds do to a torso; jit this function.

    finite_after_long: 0 if outputs and memory are finite after an episode of `steps` steps, else infinite
    finite_for_large: the same, gradients included, for inputs of a thousand
    bfloat16: parameters and inputs in bfloat16, the memory in float32, against all in float32; see `TOLERANCE_BFLOAT16`
    seeds_equal_single: a set of parameters under one vmap with another against itself alone
    """
    x_key, params_key, seeds_key = jax.random.split(key, 3)
    x = jax.random.normal(x_key, (batch, _TIME, features))
    start, fresh = jnp.zeros((batch, _TIME), bool).at[:, _START].set(True), model.initialize_carry(batch)
    init = lambda key: model.init(key, x[:, :1], start[:, :1], fresh)  # noqa: E731
    params = init(params_key)

    def long(carry: Carry, key: jax.Array) -> tuple[Carry, jax.Array]:
        part = jax.random.normal(key, (batch, 100, features))
        carry, y = model.apply(params, part, jnp.zeros((batch, 100), bool), carry)
        return carry, y[:, -1]

    def loss(params: Any, x: jax.Array) -> tuple[jax.Array, Any]:
        carry, y = model.apply(params, x, start, fresh)
        return jnp.tanh(y).sum(), (carry, y)

    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    carry_low, y_low = model.apply(low, x.astype(jnp.bfloat16), start, fresh)
    _, y = model.apply(params, x, start, fresh)
    kept = jax.tree.map(lambda leaf: leaf.dtype, carry_low) == jax.tree.map(lambda leaf: leaf.dtype, fresh)
    two_seeds = jax.tree.map(lambda *leaves: jnp.stack(leaves), params, init(seeds_key))
    vmapped = jax.vmap(lambda params: model.apply(params, x, start, fresh)[1])(two_seeds)
    return {
        "finite_after_long": _finite(jax.lax.scan(long, fresh, jax.random.split(x_key, steps // 100))),
        "finite_for_large": _finite(jax.grad(loss, (0, 1), has_aux=True)(params, 1000.0 * x)),
        "bfloat16": difference(y_low, y) if kept else jnp.float32(jnp.inf),
        "seeds_equal_single": difference(vmapped[0], y),
    }


def _finite(tree: Any) -> jax.Array:
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]
    return jnp.where(jnp.stack(finite).all(), 0.0, jnp.inf)


def _stepwise(run: Any, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
    def step(carry: Carry, inputs: tuple) -> tuple[Carry, jax.Array]:
        x_t, start_t = inputs
        carry, y = run(x_t[:, None], start_t[:, None], carry)
        return carry, y[:, 0]

    carry, ys = jax.lax.scan(step, carry, (jnp.swapaxes(x, 0, 1), start.T))
    return carry, jnp.swapaxes(ys, 0, 1)


def difference(tree: Any, reference: Any) -> jax.Array:
    """max |a - b| / max |b| over the leaves of two pytrees, each leaf by its own scale; infinite where not finite."""

    def one(a: jax.Array, b: jax.Array) -> jax.Array:
        a, b = a.astype(jnp.float32), b.astype(jnp.float32)
        relative = jnp.abs(a - b).max() / jnp.maximum(jnp.abs(b).max(), 1e-6)
        return jnp.where(jnp.isfinite(a).all() & jnp.isfinite(b).all(), relative, jnp.inf)

    leaves = jax.tree.leaves(jax.tree.map(one, tree, reference))
    return jnp.stack(leaves).max() if leaves else jnp.zeros(())
