"""The verb `profile`: what it measures and what it says; that it keeps nothing but its own folder."""

import contextlib
import dataclasses
import json
from pathlib import Path

import pytest

from memorax_bench.cell import device, products, profiling, runner, tracing
from memorax_bench.cell.operations import Kind, Operation
from memorax_bench.cell.profiling import Cost, Phase, Profile, Rate

CELL = ("profile", "suite=smoke", "tasks=[repeat-previous]", "torsos=[gru]")
FOLDER = Path("profiles/smoke@0/repeat-previous/ppo/gru")
WHERE = "memorax/networks/sequence_models/gru.py:60"
TRACE = tracing.Trace(
    folder=Path("trace"),
    perfetto=Path("trace/perfetto_trace.json.gz"),
    events=10_000,
    seconds=0.5,
    updates=3,
    executed=(tracing.Executed(tracing.Instruction("add_tanh_fusion.3", "tanh", WHERE), 4096, 0.125, 0.25),),
)
MADE = Profile(
    seeds=2,
    seed_batch=2,
    segments=3,
    env_steps=2048,
    phases=(
        Phase("trace", (3.0,), 1),
        Phase("compile", (12.0,), 1),
        Phase("rollout", (0.5, 1.0, 2.0), 2, 4096),
        Phase("environment", (0.25, 0.25, 0.75), 2, 4096, within="rollout"),
        Phase("update", (1.0, 1.5, 2.0), 2, 4096),
    ),
    cost=Cost(
        parameters=2_237,
        torso_parameters=2_032,
        state_bytes=64,
        flops={"training": 30e3, "acting": 4e3, "learning": 26e3, "environment": 0.0},
        gflops=5.0,
        temporary_bytes=576_000,
        argument_bytes=56_000,
        executable_bytes=None,
        stablehlo_lines=3_509,
    ),
    rates=(Rate((1, 1024, 1024, 1024), 50.0), Rate((2, 4, 16, 48), 10.0)),
    operations=(
        Operation("dot_general", "2 x [4,16] [16,48]", WHERE, True, 1024, 12_000_000, 0, (2, 4, 16, 48)),
        Operation("dot_general", "[2,3] [3,4]", "mine.py:7", False, 8, 4_000_000, 0, (1, 2, 3, 4)),
        Operation("tanh", "[2,4]", WHERE, False, 1024, 0, 8192),
    ),
    kinds=(Kind("tanh", 8192, 1024, WHERE),),
    trace=TRACE,
)


@pytest.fixture
def asked(monkeypatch):
    """What is asked to be measured; nothing is."""
    requests = []
    monkeypatch.setattr(profiling, "measure", lambda request, say: requests.append(request) or MADE)
    return requests


def rows(text, title):
    """The lines of the table whose first words are a title, split."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith(title))
    return [line.split() for line in lines[first + 1 :]]


def test_the_screen(call, asked):
    code, out, _ = call(*CELL)
    assert code == 0
    assert out.startswith("smoke@0  repeat-previous ppo/gru  seeds 0-1, 2 together; 4,096 steps; ")
    assert "measured: 3 segments of 2,048 steps; training 1.6k steps/s, rollout and update" in out
    found = {row[0]: row[1:] for row in rows(out, "phase ")[:6]}
    assert found["rollout"] == ["1.00", "[0.500-2.00]", "2", "2.00", "10.0%", "4.1k"]
    assert found["environment"][3:] == ["0.500", "2.5%", "16k"]  # a part of the rollout: not added
    assert found["whole"] == ["cell", "20.0", "100%"]
    assert [" ".join(row) for row in rows(out, "cost")[:8]] == [
        "FLOPs an env step 30k: acting 4k + learning 26k",
        "training 5.00 GFLOP/s",
        "products, large 50 GFLOP/s of [1024,1024] [1024,1024]: training has 10% of it",
        "products, its own 10 GFLOP/s of 2 x [4,16] [16,48]: training has 50% of it",
        "parameters 2,237, 2,032 of them in the torso",
        "memory of an agent 64 bytes an environment",
        "training program 56kB of arguments, 576kB temporary",
        "3,509 lines of StableHLO, — bytes compiled",
    ]
    first, second = rows(out, "operation    of")[:2]
    assert first[-5:] == ["1,024", "12M", "75.0%", "networks/sequence_models/gru.py:60", "(backward)"]
    assert second[-3:] == ["4M", "25.0%", "mine.py:7"]
    assert rows(out, "operation  times")[0] == ["tanh", "1,024", "2", "100.0%", "networks/sequence_models/gru.py:60"]
    assert "by its own time in a trace of 0.50 s, 3 whole updates:" in out
    assert rows(out, "instruction")[0][:5] == ["add_tanh_fusion.3", "tanh", "4,096", "125.0", "25.0%"]
    assert "trace: trace/perfetto_trace.json.gz\n to open it: drop that file on https://ui.perfetto.dev" in out
    assert out.endswith(f"written: {FOLDER / 'profile.json'}\n")
    assert max(map(len, out.splitlines())) <= 120


def test_the_file_has_all_of_it(call, asked):
    assert call(*CELL)[0] == 0
    data = json.loads((FOLDER / "profile.json").read_text())
    assert data["schema"] == 1 and data["cell"] == ["repeat-previous", "ppo", "gru"]
    assert data["config"]["torso"]["settings"] == {"features": 16}
    found = data["profile"]
    assert [phase["name"] for phase in found["phases"]] == [phase.name for phase in MADE.phases]
    assert found["phases"][2]["seconds"] == [0.5, 1.0, 2.0] and found["phases"][2]["share"] == 0.1
    assert found["total"] == 20.0 and found["cost"]["executable_bytes"] is None
    assert found["operations"][0]["place"] == WHERE and found["kinds"][0]["elements"] == 8192
    assert found["trace"]["executed"][0]["instruction"]["name"] == "add_tanh_fusion.3"
    assert {"jax", "jaxlib"} <= data["numerics"].keys()


def test_what_is_measured_is_what_run_would_train(call, asked):
    assert call(*CELL, "seeds=5", "--seed-batch", "2", "--segments", "1", "--no-trace")[0] == 0
    (request,) = asked
    assert (request.seeds, request.seed_batch, request.chunks, request.segments) == ((0, 1), 2, 3, 1)
    assert request.folder is None
    assert request.config["algorithm"]["settings"]["num_steps"] == 64
    assert request.key_words("train", 0) != request.key_words("train", 1)
    call(*CELL, "seeds=12")
    assert (asked[1].seed_batch, asked[1].chunks, asked[1].folder) == (8, 2, FOLDER / "trace")
    assert not Path("results").exists()


def test_a_trace_that_cannot_be_made_is_told(call, monkeypatch):
    failed = dataclasses.replace(MADE, trace="RuntimeError: no profiler here")
    monkeypatch.setattr(profiling, "measure", lambda *_: failed)
    code, out, _ = call(*CELL)
    assert code == 0
    assert "no table of what the compiled program does: RuntimeError: no profiler here\n\nwritten: " in out
    assert json.loads((FOLDER / "profile.json").read_text())["profile"]["trace"] == failed.trace


def test_help_says_how_and_what_the_exit_codes_are(call):
    code, out, _ = call("profile", "--help")
    assert code == 0
    assert "suite=quick tasks=[repeat-previous] torsos=[gru]" in " ".join(out.split())
    assert "'+torsos.mine=my_module:Cell'" in out and "Exit: 0 shown, 2 a mistake" in out


MISTAKES = [
    (("suite=quick",), ["one cell is profiled at a time, and 10 are chosen; allowed: repeat-previous ppo/mlp, "]),
    (
        ("suite=smoke", "tasks=[repeat-previous]"),
        ["2 are chosen; allowed: repeat-previous ppo/mlp, repeat-previous ppo/gru\n", "'torsos=[mlp]'"],
    ),
    ((), ["which suite?"]),
    (("suite=smoke", "torsos=[grru]"), ["no torso 'grru'; allowed: mlp, gru", "did you mean 'gru'?"]),
    (("suite=smoke", "tasks=[higher-lower]", "torsos=[gru]", "torsos.gru.features=0"), ["features = 0 must be"]),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda value: " ".join(value)[:40])
def test_mistakes_are_told_before_anything_is_measured(call, asked, arguments, said):
    code, out, err = call("profile", *arguments)
    assert (code, out, asked) == (2, "", [])
    assert all(part in err for part in said), err
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_told(call, asked):
    Path("profiles").write_text("in the way")
    code, _, err = call(*CELL)
    assert (code, asked) == (2, [])
    assert "cannot be written: " in err and "choose another with --out DIR" in err


TORSO = """\
import flax.linen as nn
import jax.numpy as jnp


class Cell(nn.RNNCellBase):
    features: int = 8

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self):
        return 1

    @nn.compact
    def __call__(self, carry, x):
        carry = jnp.tanh(nn.Dense(self.features)(x) + carry){suffix}
        return carry, carry
"""


@pytest.fixture
def quickly(monkeypatch):
    """Really measured, but for the gates, with small products; programs come from the cache."""
    monkeypatch.setattr(products, "_LARGE", {"cpu": (64, 1)})  # tests compile products to naive loops
    monkeypatch.setattr(products, "_FLOPS", 1e5)
    monkeypatch.setattr(device, "no_compilation_cache", contextlib.nullcontext)
    monkeypatch.setattr(runner, "measure_torso", lambda *_: {})
    monkeypatch.setattr(runner, "measure_agent", lambda *_: {"pass": True})
    monkeypatch.setattr(runner, "step_seconds", lambda *_: 0.0)


MINE = ("profile", "suite=smoke", "tasks=[higher-lower]", "+torsos.mine=my_cell:Cell", "torsos=[mine]")


def test_a_torso_of_ones_own(call, tmp_path, quickly):
    (tmp_path / "my_cell.py").write_text(TORSO.format(suffix=""))
    code, out, err = call(*MINE, "protocol.eval_every=512", "--segments", "1", "--no-trace", "--out", "here")
    assert code == 0, err
    line = 1 + TORSO.splitlines().index(next(line for line in TORSO.splitlines() if "jnp.tanh" in line))
    assert f"  my_cell.py:{line}\n" in out and f"  my_cell.py:{line} (backward)\n" in out
    assert "trace:" not in out.split("checkpoints.")[1]
    assert err.splitlines()[0] == "tracing and compiling" and err.count("\nsegment ") == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["here"]
    assert [path.name for path in tmp_path.glob("here/*/*/*/*/*")] == ["profile.json"]


def test_a_cell_that_fails_has_its_exit_code_and_its_line(call, tmp_path, quickly):
    (tmp_path / "my_broken_cell.py").write_text(TORSO.format(suffix=" + undefined"))
    mine = (argument.replace("my_cell", "my_broken_cell") for argument in MINE)
    code, out, err = call(*mine, "--no-trace")
    assert (code, out) == (3, "")
    assert "my_broken_cell.py" in err
    assert err.endswith("\n FAIL  higher-lower ppo/mine  NameError: name 'undefined' is not defined\n")
    assert not list(tmp_path.glob("profiles/**/*.json"))
