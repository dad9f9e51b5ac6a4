"""One chunk of seeds, really trained: what its numbers depend on, and what is measured."""

import dataclasses
import importlib
import math
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from fixtures import runs
from fixtures.compiles import counted
from memorax_bench.cell.compiling import Compiled
from memorax_bench.cell.course import Checkpoints
from memorax_bench.cell.runner import run_chunk, trace
from memorax_bench.identity import seed_key_words
from memorax_bench.records.curves import COLUMNS, decode_curves
from memorax_bench.suite.load import load_suite

WIDTH, EVERY, TOTAL, EPISODES = 3, 512, 1024, 4


def config(torso="gru", *overrides):
    return load_suite("smoke", ["tasks=higher-lower", f"torsos={torso}", *runs.SHORT, *overrides]).cells[0].config


def words(role, seed):
    return seed_key_words("b" * 64, "higher-lower", role, seed)


@pytest.fixture(scope="module")
def programs():
    return trace(config(), WIDTH)


@pytest.fixture(scope="module")
def executables(programs):
    return programs.compile()


@pytest.fixture(scope="module")
def chunk(executables):
    """Runs seeds; `learning_rate` and `protocol` can differ without another trace."""

    def run(*seeds, learning_rate=None, executables=executables, checkpoints=None, report=ignore, **protocol):
        found = config()
        algorithm = found["algorithm"]
        if learning_rate is not None:
            algorithm = {**algorithm, "settings": {**algorithm["settings"], "learning_rate": learning_rate}}
        found = {**found, "algorithm": algorithm, "protocol": {**found["protocol"], **protocol}}
        return run_chunk(executables, found, words, seeds, WIDTH, report, checkpoints)

    return run


def ignore(_):
    """Hears and says nothing."""


@pytest.fixture(scope="module")
def three(chunk):
    seen = []
    result = chunk(0, 1, 2, report=seen.append)
    return SimpleNamespace(result=result, curves=decode_curves(result.curves), progress=seen)


def of_seed(curves, seed):
    return [row for row in curves if row["seed"] == seed]


@pytest.mark.parametrize("seeds", [(0,), (2,), (1, 2), (2, 0)])
def test_a_seeds_numbers_do_not_depend_on_its_companions(chunk, three, seeds):
    other = chunk(*seeds)
    for i, seed in enumerate(seeds):
        assert of_seed(decode_curves(other.curves), seed) == of_seed(three.curves, seed)
        for name in ("final", "auc", "best", "finite", "final_returns"):
            assert other.results[name][i] == three.result.results[name][seed]


def test_padded_seeds_are_thrown_away(chunk):
    result = chunk(1)
    assert {row["seed"] for row in decode_curves(result.curves)} == {1}
    assert [len(result.results[name]) for name in ("final", "auc", "best", "finite", "final_returns")] == [1] * 5


def test_seeds_differ(three):
    returns = three.result.results["final_returns"]
    assert len({tuple(episodes) for episodes in returns}) == 3
    assert len({tuple(row["mean"] for row in of_seed(three.curves, seed)) for seed in range(3)}) == 3


def test_curves_are_on_the_grid_of_the_protocol(three):
    assert set(three.curves[0]) == set(COLUMNS)
    assert [(row["seed"], row["env_step"]) for row in three.curves] == [
        (seed, step) for seed in range(3) for step in (0, EVERY, TOTAL)
    ]
    for row in three.curves:
        assert row["n"] == EPISODES
        assert -1 <= row["min"] <= row["mean"] <= row["max"] <= 1
        assert row["sd"] >= 0
        assert 0 < row["length"] <= 52


def test_results_are_those_of_the_curves(three):
    results = three.result.results
    for seed in range(3):
        after_start = [row["mean"] for row in of_seed(three.curves, seed)[1:]]
        assert results["final"][seed] == pytest.approx(after_start[-1])
        assert results["auc"][seed] == pytest.approx(np.mean(after_start))
        assert results["best"][seed] == pytest.approx(max(after_start))
        assert np.mean(results["final_returns"][seed]) == pytest.approx(results["final"][seed])
    assert results["finite"] == [True] * 3


def test_progress_is_reported_at_every_evaluation(three):
    assert [(p.env_step, p.total_env_steps) for p in three.progress] == [(0, TOTAL), (EVERY, TOTAL), (TOTAL, TOTAL)]
    assert three.progress[-1].returns == pytest.approx(three.result.results["final"])
    assert three.progress[0].steps_per_s == 0 < three.progress[1].steps_per_s


def test_steps_and_times(three):
    result = three.result
    assert result.steps_done == TOTAL
    assert len(result.timing["steady"]) == TOTAL // EVERY
    assert min(result.timing["steady"]) > 0 < result.timing["eval"]
    assert result.timing["trace"] > 0 < result.timing["compile"]
    assert result.steps_per_s == pytest.approx(3 * TOTAL / sum(result.timing["steady"]))
    assert max(result.timing["steady"]) < result.timing["trace"]  # neither traces nor compiles
    assert 1e-6 < result.timing["step"] < 0.1  # an acting step: nor does that


def test_cost_and_gates(three):
    cost = three.result.cost
    # 2 gates read and 3 gates keep a state of 16; torso parameters are part of all.
    assert 0 < cost["torso_parameters"] < cost["parameters"] < 10_000
    assert cost["state_bytes"] == 16 * 4
    assert cost["flops_per_env_step"]["value"] > 2 * cost["parameters"]
    assert cost["temp_bytes"] > 0
    assert {name: gate["pass"] for name, gate in three.result.gates.items()} == dict.fromkeys(
        ("step_equals_sequence", "chunks_equal_sequence", "reset_equals_fresh", "causal", "agent_reset_equals_fresh",
         "evaluation_is_pure", "replay_equals_rollout"), True
    )  # fmt: skip


def test_training_is_compiled_once_however_long(chunk):
    chunk(0)
    compiled = []
    for total in (EVERY, 4 * EVERY):
        with counted() as n:
            chunk(0, total_env_steps=total)
        compiled.append(n["compiles"])
    assert compiled[0] == compiled[1]


def test_learning_rate_acts_though_it_is_not_compiled_in(chunk, three):
    slower = chunk(0, 1, 2, learning_rate=1e-5)
    assert of_seed(decode_curves(slower.curves), 0)[0] == of_seed(three.curves, 0)[0]
    assert slower.results["final_returns"] != three.result.results["final_returns"]


def test_a_run_that_diverges_is_kept_and_says_when(chunk):
    seen = []
    result = chunk(0, 1, learning_rate=1e30, report=seen.append)
    assert result.diverged == {0: EVERY, 1: EVERY}
    assert result.results["finite"] == [False, False]
    assert result.results["final"] == result.results["auc"] == result.results["best"] == [None, None]
    assert result.results["final_returns"] == [[None] * EPISODES] * 2
    for row in decode_curves(result.curves):
        assert math.isnan(row["mean"]) == (row["env_step"] >= EVERY)
    assert [math.isnan(value) for progress in seen for value in progress.returns] == [False] * 2 + [True] * 4
    # It is the numbers that failed: acting and learning still computed the same function.
    assert result.gates["replay_equals_rollout"]["pass"]
    assert result.steps_done == TOTAL


class Killed(Exception):
    """In the middle of a chunk."""


@pytest.mark.parametrize("after", [1, 2], ids=["at the start", "half-way"])
def test_a_chunk_that_was_killed_goes_on_from_its_checkpoint(chunk, three, tmp_path, after):
    reports = []

    def kill(progress):
        reports.append(progress)
        if len(reports) > after:
            raise Killed

    with pytest.raises(Killed):
        chunk(0, 1, 2, checkpoints=Checkpoints(tmp_path / "c", ("same",), 0.0), report=kill)
    seen = []
    resumed = chunk(0, 1, 2, checkpoints=Checkpoints(tmp_path / "c", ("same",)), report=seen.append)
    assert resumed.resumed_at == ((after - 1) * EVERY,)
    assert [progress.env_step for progress in seen] == list(range(after * EVERY, TOTAL + 1, EVERY))
    undisturbed = three.result
    assert (resumed.results, resumed.curves, resumed.steps_done) == (
        (undisturbed.results, undisturbed.curves, undisturbed.steps_done)
    )
    assert resumed.gates == undisturbed.gates
    assert undisturbed.resumed_at == ()


def poisoned(program, position):
    """An initial program after which one of the vmapped seeds has parameters that will overflow."""

    def call(*arguments):
        state = program.call(*arguments)
        return state.replace(params=jax.tree.map(lambda leaf: leaf.at[position].mul(1e38), state.params))

    return Compiled(call, 0.1, "off")


def test_training_does_not_depend_on_having_been_evaluated(chunk, executables, three):
    compiled, lowered = executables.evaluate, executables.programs.evaluate.lowered

    def only_the_last(words, state, segment):
        if segment == TOTAL // EVERY:
            return compiled.call(words, state, segment)
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), lowered.out_info)

    rarely = dataclasses.replace(executables, evaluate=dataclasses.replace(compiled, call=only_the_last))
    result = chunk(0, 1, 2, executables=rarely)
    assert result.results["final_returns"] == three.result.results["final_returns"]
    assert result.curves != three.result.curves


@pytest.mark.parametrize("position", [0, 1])
def test_a_seed_that_diverges_leaves_the_others_alone(chunk, executables, three, position):
    result = chunk(0, 1, 2, executables=dataclasses.replace(executables, init=poisoned(executables.init, position)))
    assert result.diverged == {position: EVERY}
    assert result.results["finite"] == [seed != position for seed in range(3)]
    for seed in {0, 1, 2} - {position}:
        assert of_seed(decode_curves(result.curves), seed) == of_seed(three.curves, seed)
        assert result.results["final"][seed] == three.result.results["final"][seed]


def test_a_torso_that_is_never_a_number(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "torso_of_nan.py").write_text(
        "import flax.linen as nn\nimport jax.numpy as jnp\n\nclass Cell(nn.Module):\n    features: int = 4\n"
        "    @nn.compact\n    def __call__(self, x):\n        return nn.Dense(4)(x) * jnp.nan\n"
    )
    importlib.invalidate_caches()
    found = config("nan", "+torsos.nan=torso_of_nan:Cell")
    result = run_chunk(trace(found, 1).compile(), found, words, [5], 1, ignore)
    assert result.diverged == {5: EVERY}
    assert {name for name, gate in result.gates.items() if gate == {"pass": False, "max_rel": None}} >= {
        "step_equals_sequence",
        "replay_equals_rollout",
    }


USER = """
{doc}
import flax.linen as nn

class Cell(nn.Module):
    features: int = 4
    {doc}
    @nn.compact
    def __call__(self, x):
        {doc}
        return nn.Dense(self.features, use_bias={bias})(x)
"""
TRACE = """
import sys
sys.path.insert(0, {folder!r})
from memorax_bench.cell.runner import trace
from memorax_bench.suite.load import load_suite
cell = load_suite("smoke", ["+torsos.mine={name}:Cell", "torsos=mine", "tasks=higher-lower"]).cells[0]
found = trace(cell.config, 1).program_hash
"""
VERSIONS = {
    "mine_plain": ("", True),
    "mine_documented": ('"""A docstring.\n\n    It moves every line."""', True),
    "mine_different": ("", False),
}


def test_the_hash_of_a_program_is_that_of_what_it_computes(tmp_path):
    """In other processes, with other hash seeds, from other lines of a file."""
    found = {}
    for name, (doc, bias) in VERSIONS.items():
        (tmp_path / f"{name}.py").write_text(USER.format(doc=doc, bias=bias))
    code = TRACE.format(folder=str(tmp_path), name="mine_plain") + "print(found)"
    other = subprocess.Popen(
        [sys.executable, "-c", code], env=runs.environment(PYTHONHASHSEED="7"), stdout=subprocess.PIPE, text=True
    )
    for name in ("mine_documented", "mine_different"):
        scope = {}
        exec(TRACE.format(folder=str(tmp_path), name=name), scope)
        found[name] = scope["found"]
    found["mine_plain"] = other.communicate(timeout=60)[0].strip()
    assert len(found["mine_plain"]) == 64
    assert found["mine_plain"] == found["mine_documented"] != found["mine_different"]


COMPILE = """
import jax.numpy as jnp
from memorax_bench.cell.compiling import lower
from memorax_bench.cell.device import use_compilation_cache
if {cached}:
    use_compilation_cache()
compiled = lower(lambda x: x * 2 + 1, jnp.ones(3)).compile()
print(compiled.cache, compiled.call(jnp.ones(3)).tolist(), compiled.temporary_bytes() is not None)
"""


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    def compiled(cached, **changes):
        return subprocess.run(
            [sys.executable, "-c", COMPILE.format(cached=cached)],
            env={k: v for k, v in runs.environment(**changes).items() if v},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    folder = str(tmp_path / "cache")
    said = [compiled(True, JAX_COMPILATION_CACHE_DIR=folder) for _ in range(2)]
    assert said == ["miss [3.0, 3.0, 3.0] True", "hit [3.0, 3.0, 3.0] True"]
    assert compiled(False, JAX_COMPILATION_CACHE_DIR="").startswith("off")
    home = {"XDG_CACHE_HOME": str(tmp_path / "home"), "JAX_COMPILATION_CACHE_DIR": ""}
    assert [compiled(True, **home).split()[0] for _ in range(2)] == ["miss", "hit"]
    assert any((tmp_path / "home" / "memorax-bench" / "xla").iterdir())
