"""Trained agents, really tested where they were not trained."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from fixtures import runs
from memorax.environments import make
from memorax_bench.cell.extrapolation import evaluate_elsewhere
from memorax_bench.cell.runner import as_key, trace
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.validating import validate_suites

CHAIN = (
    "+tasks.chain={id: 'gymnax::MemoryChain-bsuite', task_version: 1, family: Chain, kwargs: {memory_length: 2}, "
    "hard_min: -1, hard_max: 1, floor: 0, ceiling: 1, "
    "extrapolate: {2x: {kwargs: {memory_length: 4}}, 4x: {kwargs: {memory_length: 8}}}}"
)
CHOSEN = ("tasks=chain", "torsos=gru", *runs.SHORT)
EPISODES, WIDTH = 4, 3


@pytest.fixture(scope="module")
def programs():
    (cell,) = load_suite("smoke", [CHAIN, *CHOSEN]).cells
    return trace(cell.config, WIDTH)


@pytest.fixture(scope="module")
def state(programs):
    words = jax.random.bits(jax.random.key(1), (WIDTH, 2))
    return programs.init.compile().call(words, np.float32(1e-3))


def key_words(role):
    return jax.random.bits(jax.random.fold_in(jax.random.key(0), sum(role.encode())), (WIDTH, 2))


def compiled(programs):
    return {label: program.compile() for label, program in programs.elsewhere.items()}


def test_it_is_the_evaluation_of_the_agent_in_the_other_environment(programs, state):
    found = evaluate_elsewhere(compiled(programs), key_words, state, [True] * WIDTH)["extrapolation"]
    agent = programs.experiment.agent
    for label, length in (("2x", 4), ("4x", 8)):
        env, params = make("gymnax::MemoryChain-bsuite", memory_length=length)

        def of_seed(words, state, env=env, params=params):
            key = jax.random.fold_in(as_key(words), 0)
            return agent.evaluate(key, state, EPISODES, env=env, env_params=params)

        evaluation = jax.jit(jax.vmap(of_seed))(key_words(f"extrapolate {label}"), state)
        assert (evaluation.lengths == length + 1).all()
        np.testing.assert_allclose(found[label], evaluation.returns.mean(1))


def test_padding_and_seeds_that_diverged_have_no_value(programs, state):
    everything = evaluate_elsewhere(compiled(programs), key_words, state, [True] * WIDTH)["extrapolation"]
    found = evaluate_elsewhere(compiled(programs), key_words, state, [True, False])["extrapolation"]
    assert found == {label: [values[0], None] for label, values in everything.items()}


def test_a_cell_without_has_neither_program_nor_result(state):
    plain = CHAIN.partition(", extrapolate")[0]
    (cell,) = load_suite("smoke", [f"{plain.removesuffix(', ')}}}", *CHOSEN]).cells
    assert trace(cell.config, WIDTH).elsewhere == {}
    assert evaluate_elsewhere({}, key_words, state, [True]) == {}


def test_a_run_records_it_and_its_records_are_valid(tmp_path):
    arguments = (CHAIN, *CHOSEN, "seeds=2")
    assert runs.run(tmp_path, *arguments) == 0
    (stored,) = runs.records(tmp_path)
    found = stored.record.results.extrapolation
    assert set(found) == {"2x", "4x"}
    assert all(len(values) == 2 and all(-1 <= value <= 1 for value in values) for values in found.values())
    suite = load_suite("smoke", arguments)
    assert validate_suites([suite], tmp_path)[0] == []
    bound = "tasks.chain.extrapolate.2x.{}".format
    narrow = load_suite("smoke", [*arguments, bound("hard_min=0.9995"), bound("floor=0.9999")])
    assert suite.label != narrow.label  # the bounds of an extrapolation are frozen, too
    (problem,), _ = validate_suites([dataclasses.replace(suite, suite=narrow.suite)], tmp_path)
    assert re.search(r"extrapolation 2x: \d returns outside \[0.9995, 1\]", problem)
