"""lox: rows leave compiled code whole, in order, and for free; what cannot be seen through is an error."""

import functools

import jax
import jax.numpy as jnp
import pytest

from fixtures.compiles import counted
from memorax import lox


def double(x):
    lox.log({"x": x})
    return 2 * x


def test_spool_returns_one_row_a_log():
    def f(x):
        double(x)
        return double(x + 1)

    output, logs = lox.spool(f)(1.0)
    assert output == 4.0
    assert logs["x"].tolist() == [1.0, 2.0]


def test_pytrees_and_several_keys():
    _, logs = lox.spool(lambda: lox.log({"a": {"b": jnp.ones(3), "c": 1}, "step": 7}))()
    assert jax.tree.map(jnp.shape, logs) == {"a": {"b": (1, 3), "c": (1,)}, "step": (1,)}


def scan_sum(x, n=3):
    def body(carry, i):
        double(carry + i)
        return lox.scan(lambda c, j: (c + double(j), None), carry, jnp.arange(2.0))[0], i

    return lox.scan(body, x, jnp.arange(float(n)))


def test_scan_flattens_in_order_of_the_steps():
    (total, ys), logs = lox.spool(scan_sum)(0.0)
    assert (total, ys.tolist()) == (6.0, [0.0, 1.0, 2.0])
    assert logs["x"].tolist() == [0, 0, 1, 3, 0, 1, 6, 0, 1]


def test_scan_in_reverse_keeps_the_rows_at_their_inputs():
    _, logs = lox.spool(lambda: lox.scan(lambda c, x: (c, double(x)), 0.0, jnp.arange(3.0), reverse=True))()
    assert logs["x"].tolist() == [0.0, 1.0, 2.0]


def test_cond_logs_the_branch_taken():
    def f(x):
        return lox.cond(x > 0, lambda x: double(x), lambda x: double(-10 * x), x)

    assert lox.spool(f)(2.0)[1]["x"].tolist() == [2.0]
    assert jax.jit(lox.spool(f))(-2.0)[1]["x"].tolist() == [20.0]


def test_cond_branches_must_log_the_same_keys():
    with pytest.raises(ValueError, match=r"same keys; they log \['x'\] and \[\]"):
        lox.spool(lambda x: lox.cond(x > 0, double, lambda x: x, x))(1.0)


def test_gradients():
    def loss(x, scale):
        lox.log({"x": x})
        return scale * x**2, "aux"

    (value, gradient), logs = lox.spool(lambda x: lox.value_and_grad(lambda x: double(x) * x)(x))(3.0)
    assert (value, gradient, logs["x"].tolist()) == (18.0, 12.0, [3.0])
    (gradient, aux), logs = lox.spool(lambda x: lox.grad(loss, has_aux=True)(x, scale=2.0))(3.0)
    assert (gradient, aux, logs["x"].tolist()) == (12.0, "aux", [3.0])
    assert lox.grad(double)(3.0) == 2.0  # nobody spools


class Agent:
    """The pattern of every algorithm: a jitted method, static self and length."""

    def __init__(self):
        self.traces = 0

    @functools.partial(lox.jit, static_argnames=("self", "num_steps"))
    def train(self, key, state, num_steps):
        self.traces += 1

        def update(state, key):
            state = state + jax.random.normal(key)
            lox.log({"state": state})
            return state, None

        return lox.scan(update, state, jax.random.split(key, num_steps))[0]


@pytest.fixture
def keys():
    return jax.random.split(jax.random.key(0), 3)


def test_vmap_of_spool_traces_and_compiles_once(keys):
    agent = Agent()
    train = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))
    state, logs = train(keys, jnp.zeros(3), 5)
    assert logs["state"].shape == (3, 5)
    assert jnp.array_equal(logs["state"][:, -1], state)
    with counted() as second_call:
        again, _ = train(keys, jnp.zeros(3), 5)
    assert agent.traces == 1
    assert second_call == {"compiles": 0, "traces": 0}
    assert jnp.array_equal(again, state)


def test_spooled_equals_silent_bit_for_bit(keys):
    agent = Agent()
    silent = jax.vmap(agent.train, in_axes=(0, 0, None))(keys, jnp.zeros(3), 50)
    spooled, _ = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))(keys, jnp.zeros(3), 50)
    assert jnp.array_equal(silent, spooled)


def test_jit_of_spool_and_of_vmap_of_spool(keys):
    agent = Agent()
    one = jax.jit(lox.spool(agent.train), static_argnums=2)(keys[0], 0.0, 5)
    many = jax.jit(jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None)), static_argnums=2)(keys, jnp.zeros(3), 5)
    assert jnp.array_equal(one[1]["state"], many[1]["state"][0])


def test_unspooled_logs_leave_nothing_in_the_program(keys):
    def plain(key, state):
        return jax.lax.scan(lambda s, k: (s + jax.random.normal(k), None), state, jax.random.split(key, 5))[0]

    text = Agent().train.lower(Agent(), keys[0], jnp.zeros(()), 5).as_text()
    assert len(text.splitlines()) == len(jax.jit(plain).lower(keys[0], jnp.zeros(())).as_text().splitlines())


@pytest.mark.parametrize(
    "transformation",
    [
        lambda f: jax.jit(f),
        lambda f: lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, 2)[0],
        lambda f: jax.grad(f),
        lambda f: lambda x: jax.lax.cond(x > 0, f, f, x),
        lambda f: lambda x: jax.vmap(f)(jnp.stack([x, x])),
    ],
    ids=["jit", "scan", "grad", "cond", "vmap"],
)
def test_what_cannot_be_seen_through_is_an_error(transformation):
    with pytest.raises(RuntimeError, match=r"lox.log\({'x'}\).*lox.scan"):
        lox.spool(transformation(double))(1.0)


def test_a_plain_jit_traced_silently_before_is_not_reused_silently():
    jitted = jax.jit(double)
    assert jitted(1.0) == 2.0
    with pytest.raises(RuntimeError, match="cannot see through"):
        lox.spool(jitted)(1.0)
    assert jitted(1.0) == 2.0


def test_nothing_leaks_out_of_an_error_or_a_scope():
    with pytest.raises(RuntimeError):
        lox.spool(jax.jit(double))(1.0)
    assert double(1.0) == 2.0
    inner = {}

    def nested():
        inner.update(lox.spool(double)(1.0)[1])
        return double(5.0)

    assert lox.spool(nested)()[1]["x"].tolist() == [5.0]
    assert inner["x"].tolist() == [1.0]
