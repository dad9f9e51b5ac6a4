"""The laws of a torso, measured: how far acting, replaying and resetting are from computing the same function.

An agent acts with one step at a time and learns from whole sequences; where the two differ, the policy that is
improved is not the one that acted. `measure` and `endure` return one number a law, to be compared with `ALLOWED`.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.memoroid import Memoroid
from memorax.networks.sequence_models.rnn import RNN
from memorax.networks.types import Carry, SequenceModel

TOLERANCE = 1e-5  # relative, float32, matrix products in full precision
TOLERANCE_STRATEGIES = 1e-4  # gradients amplify rounding where they pass a norm: 4e-5 in GLA of width 64
TOLERANCE_BFLOAT16 = 0.1  # relative to the largest output; bfloat16 keeps 8 bits, and 40 steps add up

LAWS = ("step_equals_sequence", "chunks_equal_sequence", "reset_equals_fresh", "causal")  # of `measure`
TRIALS = ("seeds_equal_single", "bfloat16", "finite_after_long", "finite_for_large")  # of `endure`
ALLOWED = {**dict.fromkeys((*LAWS, *TRIALS), TOLERANCE), "bfloat16": TOLERANCE_BFLOAT16}

_TIME, _START, _CHUNK = 40, 17, 33  # longer than a chunk of any model; a start and a cut that are not aligned


def measure(
    model: SequenceModel, key: jax.Array, features: int, batch: int = 4, only: Sequence[str] = LAWS
) -> dict[str, jax.Array]:
    """Largest relative difference by law, for random parameters and inputs; jit this function.

    `only`: the laws to measure; of the others nothing is traced.

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

    def chunks() -> tuple[Carry, jax.Array]:
        first, y_first = run(x[:, :_CHUNK], start[:, :_CHUNK], used)
        last, y_last = run(x[:, _CHUNK:], start[:, _CHUNK:], first)
        return last, jnp.concatenate([y_first, y_last], 1)

    changed = x.at[:, _START:].set(jax.random.normal(other_key, x[:, _START:].shape))
    laws = {
        "step_equals_sequence": lambda: difference(_stepwise(run, x, start, used), whole),
        "chunks_equal_sequence": lambda: difference(chunks(), whole),
        "reset_equals_fresh": lambda: difference(run(x[:, _START:], start[:, _START:], fresh)[1], whole[1][:, _START:]),
        "causal": lambda: difference(run(changed, start, used)[1][:, :_START], whole[1][:, :_START]),
    }
    return {law: laws[law]() for law in only}


def endure(
    model: SequenceModel,
    key: jax.Array,
    features: int,
    batch: int = 2,
    steps: int = 10_000,
    only: Sequence[str] = TRIALS,
) -> dict[str, jax.Array]:
    """What long episodes, large inputs, low precision and many seeds do to a torso; jit this function.

    `only`: the trials to make; of the others nothing is traced.

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

    def y() -> jax.Array:
        return model.apply(params, x, start, fresh)[1]

    def loss(params: Any, x: jax.Array) -> tuple[jax.Array, Any]:
        carry, y = model.apply(params, x, start, fresh)
        return jnp.tanh(y).sum(), (carry, y)

    def bfloat16() -> jax.Array:
        low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
        carry_low, y_low = model.apply(low, x.astype(jnp.bfloat16), start, fresh)
        kept = jax.tree.map(lambda leaf: leaf.dtype, carry_low) == jax.tree.map(lambda leaf: leaf.dtype, fresh)
        return difference(y_low, y()) if kept else jnp.float32(jnp.inf)

    def seeds() -> jax.Array:
        two_seeds = jax.tree.map(lambda *leaves: jnp.stack(leaves), params, init(seeds_key))
        return jax.vmap(lambda params: model.apply(params, x, start, fresh)[1])(two_seeds)[0]

    trials = {
        "seeds_equal_single": lambda: difference(seeds(), y()),
        "bfloat16": bfloat16,
        "finite_after_long": lambda: _finite(jax.lax.scan(long, fresh, jax.random.split(x_key, steps // 100))),
        "finite_for_large": lambda: _finite(jax.grad(loss, (0, 1), has_aux=True)(params, 1000.0 * x)),
    }
    return {trial: trials[trial]() for trial in only}


def variants(model: SequenceModel) -> dict[str, SequenceModel]:
    """The torso under every strategy that its cell has; `{"own": model}` for one that wraps no cell."""
    if isinstance(model, RNN):
        return {name: model.clone(strategy=name) for name in model.strategies}
    if not isinstance(model, Memoroid):
        return {"own": model}
    cell = model.cell
    names = ["sequential", *["associative"] * cell.associative, *["chunked"] * (cell.chunk_length is not None)]
    return {name: model.clone(strategy=name) for name in names}


def outputs_and_gradients(model: SequenceModel, key: jax.Array, features: int, batch: int = 3, time: int = 20) -> Any:
    """Of one set of parameters and a memory with a past: `(gradients of parameters, inputs and carry), (carry, y)`.

    For one key they have to agree, up to `TOLERANCE_STRATEGIES`, between all `variants` of a torso; jit this function.
    """
    keys = jax.random.split(key, 4)
    x, start = jax.random.normal(keys[0], (batch, time, features)), jax.random.bernoulli(keys[1], 0.2, (batch, time))
    fresh = model.initialize_carry(batch)
    params = model.init(keys[2], x[:, :1], start[:, :1], fresh)
    carry, _ = model.apply(params, jax.random.normal(keys[3], x.shape), start, fresh)

    def loss(params: Any, x: jax.Array, carry: Carry) -> tuple[jax.Array, Any]:
        carry, y = model.apply(params, x, start, carry)
        return jnp.sin(y).sum() + sum(jnp.cos(leaf).sum() for leaf in jax.tree.leaves(carry)), (carry, y)

    gradients, outputs = jax.grad(loss, (0, 1, 2), has_aux=True, allow_int=True)(params, x, carry)
    # counters in the carry have no gradient
    return jax.tree.map(lambda leaf: None if leaf.dtype == jax.dtypes.float0 else leaf, gradients), outputs


def carry_changes(model: SequenceModel, features: int, batch: int = 3) -> list[str]:
    """What a step, or else a sequence, does to the form of the carry; empty where structure, shapes and dtypes stay.

    Nothing is computed.
    """
    fresh = jax.eval_shape(lambda: model.initialize_carry(batch))
    found = [
        f"carry starts as {_form(leaf)}; the leading axis of a leaf has to be the environments, here {batch}"
        for leaf in jax.tree.leaves(fresh)
        if leaf.shape[:1] != (batch,)
    ]
    for time in (1, _TIME):
        if found:
            break  # a sequence of such steps cannot be traced
        after = jax.eval_shape(lambda time=time: _after(model, jnp.zeros((batch, time, features))))
        old, new = _forms(fresh), _forms(after)
        pairs = [(path, old.get(path, "nothing"), new.get(path, "nothing")) for path in {**old, **new}]
        found = [f"carry{path} is {a} before and {b} after" for path, a, b in pairs if a != b]
    return found


def traces(model: SequenceModel, key: jax.Array, features: int, batch: int = 2) -> int:
    """How often three steps in a row, each with the carry of the one before, are traced: 1, or calls compile again."""
    traced = []

    def step(params: Any, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        traced.append(None)
        return model.apply(params, x, start, carry)

    def begin(key: jax.Array) -> tuple[Any, Carry]:
        carry = model.initialize_carry(batch)
        return model.init(key, x, start, carry), carry

    once = {"xla_backend_optimization_level": 0}
    x, start = jnp.zeros((batch, 1, features)), jnp.zeros((batch, 1), bool)
    params, carry = jax.jit(begin, compiler_options=once)(key)
    compiled = jax.jit(step, compiler_options=once)
    for _ in range(3):
        carry, _ = compiled(params, x, start, carry)
    return len(traced)


def _after(model: SequenceModel, x: jax.Array) -> Carry:
    start, fresh = jnp.zeros(x.shape[:2], bool), model.initialize_carry(x.shape[0])
    params = model.init(jax.random.key(0), x[:, :1], start[:, :1], fresh)
    return model.apply(params, x, start, fresh)[0]


def _forms(carry: Carry) -> dict[str, str]:
    """Of each leaf, by its path; and of what holds them."""
    leaves = {jax.tree_util.keystr(path): _form(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(carry)}
    return {**leaves, "'s structure": str(jax.tree.structure(carry))}


def _form(leaf: Any) -> str:
    """`float32[4,8]`."""
    return f"{leaf.dtype}{list(leaf.shape)}".replace(" ", "")


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
