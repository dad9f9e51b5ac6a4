"""Counting what programs do: by hand, and with planted work."""

import jax
import jax.numpy as jnp
import pytest

from memorax_bench.perf.counters import count, count_compilations, count_numbers
from memorax_bench.perf.expected import MORE, differences
from speed import programs


def numbers(function, *arguments) -> int:
    return count_numbers(jax.make_jaxpr(function)(*arguments))


def test_numbers_are_those_that_operations_write():
    x = jnp.ones((3, 4))
    assert numbers(lambda x: x + 1, x) == 12
    assert numbers(lambda x: x @ x.T, x) == 12 + 9  # the transpose, too
    assert numbers(lambda x: jax.lax.scan(lambda x, _: (x * 2, None), x, length=5)[0], x) == 5 * 12
    assert numbers(lambda x: jax.lax.cond(True, lambda x: x * 2 + 1, lambda x: x, x), x) == 24
    assert numbers(jax.jit(lambda x: jax.jit(jnp.negative)(x)), x) == 12


def test_arguments_are_shapes_alone():
    """A program is counted without computing what it starts from."""
    made = []

    def make():
        x = jnp.ones((8, 8))
        made.append(isinstance(x, jax.core.Tracer))
        return lambda x: x @ x, (x,)

    counts = count(make, steps=2)
    assert made == [True]
    assert (counts.flops, counts.argument_bytes) == (2 * 8**3 // 2, 8 * 8 * 4)
    assert counts.temporary_bytes is None and counts.compilations is None
    assert count(make, steps=2, compiled=True).temporary_bytes is not None


@pytest.mark.parametrize(
    ("program", "length", "counters"),
    [
        ("gradient/gru", "LENGTH", {"flops", "numbers", "argument_bytes"}),
        ("play/popgym::RepeatPreviousEasy", "MOVES", {"numbers"}),  # nothing else would see it
        ("buffer/prioritised", "TURNS", {"numbers"}),
    ],
)
def test_a_loop_twice_as_long_is_seen(monkeypatch, program, length, counters):
    benchmark = programs.PROGRAMS[program]
    before = count(benchmark.make, benchmark.steps)
    assert differences({program: before}, {program: count(benchmark.make, benchmark.steps)}) == ()
    monkeypatch.setattr(programs, length, 2 * getattr(programs, length))
    if program.startswith("gradient"):
        monkeypatch.setattr(programs, "_sequence", lambda name, _, make=programs._sequence: make(name, programs.LENGTH))
    found = differences({program: before}, {program: count(benchmark.make, benchmark.steps)})
    assert {d.counter for d in found} >= counters and {d.verdict for d in found} == {MORE}


def test_twice_the_epochs_are_seen(monkeypatch):
    benchmark = programs.PROGRAMS["train/ppo"]
    before = count(benchmark.make, benchmark.steps)
    monkeypatch.setattr(programs, "ACTING", {**programs.ACTING, "update_epochs": 8})
    found = differences({"ppo": before}, {"ppo": count(benchmark.make, benchmark.steps)})
    assert [d.counter for d in found] == ["flops", "numbers"] and {d.verdict for d in found} == {MORE}


@pytest.mark.parametrize(("dtype", "compilations"), [(jnp.float32, 1), (jnp.int32, 2)])
def test_a_state_that_comes_back_with_another_type_compiles_again(dtype, compilations):
    train = jax.jit(lambda key, state: state * 1.5 + jax.random.uniform(key))
    assert count_compilations(lambda: (train, (jax.random.key(0), jnp.ones(4, dtype)))) == compilations
