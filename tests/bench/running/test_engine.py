"""Real runs of the suite `smoke`: what is kept, what is not done twice, and what a failure costs."""

import importlib
import itertools
import json
import subprocess
import sys

import pytest

from fixtures import runs
from memorax_bench.cli import Interrupted
from memorax_bench.records.curves import decode_curves
from memorax_bench.records.store import FAILURES, Store
from memorax_bench.running import work
from memorax_bench.running.engine import Engine, Screen
from memorax_bench.running.inline import Inline
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.running.platforms import device_kind
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.validating import validate_suites

WIDTH = 3  # of all records here, so that one program serves any number of seeds
ONE = ("tasks=higher-lower", "torsos=mlp")  # the cheapest cell
TORSO = '''
"""A torso of the user's own."""
import flax.linen as nn
import jax.numpy as jnp


class Cell(nn.Module):
    features: int = 4

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.features)(x)
'''
_numbers = itertools.count()


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The results of `run suite=smoke`: four cells of two seeds."""
    results = tmp_path_factory.mktemp("smoke") / "results"
    assert runs.run(results, seed_batch=WIDTH) == 0
    return results


def planned(results, *arguments):
    """label -> action of the plan."""
    suite = load_suite("smoke", arguments)
    made = plan(suite, Store(results).scan(suite.label), code_hashes(suite), device_kind())
    return {action.cell.labels: action for action in made.actions}


def test_records_are_valid_and_complete(smoke):
    stored = runs.records(smoke)
    assert sorted((s.record.cell.task, s.record.cell.torso) for s in stored) == [
        (task, torso) for task in ("higher-lower", "repeat-previous") for torso in ("gru", "mlp")
    ]
    assert Store(smoke).scan("smoke@0").invalid == Store(smoke).scan("smoke@0").misplaced == ()
    assert validate_suites([load_suite("smoke")], smoke) == ([], "smoke@0: valid; 4 records checked, 0 problems")
    for s in stored:
        record = s.record
        assert (record.seeds, record.seed_batch, record.steps_done) == ((0, 1), WIDTH, 4096)
        assert record.volatile.argv == ("suite=smoke",)
        assert record.not_rankable_because[0] == "draft suite"
        assert len(record.code.program_hash) == 64
        assert s.path.stat().st_size < 50_000
        rows = decode_curves(s.path.with_name("curves.csv.gz").read_bytes())
        assert [row["env_step"] for row in rows] == [0, 2048, 4096] * 2


def test_nothing_is_left_at_work(smoke):
    assert [path.name for path in (smoke / ".work").iterdir()] == ["code"]


def test_a_second_run_computes_nothing_and_imports_no_jax(smoke):
    code = (
        "import sys; from pathlib import Path; from memorax_bench.verbs.run import run_suite; "
        "from memorax_bench.suite.load import load_suite; "
        "code = run_suite(load_suite('smoke'), [], Path(sys.argv[1])); "
        "sys.exit(code or ('jax' in sys.modules) * 9)"
    )
    before = runs.result_hashes(smoke)
    done = subprocess.run(
        [sys.executable, "-c", code, str(smoke)], env=runs.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 cells: 4 reuse; nothing to do -> ")
    assert runs.result_hashes(smoke) == before


def test_more_seeds_run_only_what_is_new_at_the_same_width(smoke, tmp_path, capsys):
    assert planned(smoke, *ONE, "seeds=3")["higher-lower", "ppo", "mlp"].seeds == (2,)
    before = runs.result_hashes(smoke)
    assert runs.run(smoke, *ONE, "seeds=3") == 0
    new = [s.record for s in runs.records(smoke) if s.record.result_hash not in before]
    assert [(record.seeds, record.seed_batch) for record in new] == [((2,), WIDTH)]
    assert "smoke@0: 1 cell: 1 add" in capsys.readouterr().out
    # The same three seeds, run together elsewhere, give the same numbers.
    assert runs.run(tmp_path, *ONE, "seeds=3") == 0
    (together,) = runs.records(tmp_path)
    cell = ("higher-lower", "mlp")
    found = [s.record for s in runs.records(smoke) if (s.record.cell.task, s.record.cell.torso) == cell]
    apart = {record.seeds: record for record in found}
    assert together.record.results.final == (*apart[0, 1].results.final, *apart[2,].results.final)
    assert together.record.code.program_hash == apart[2,].code.program_hash


def test_a_part_of_the_grid_is_reused_for_the_whole(tmp_path, smoke):
    assert runs.run(tmp_path, "torsos=[gru]", "tasks=[higher-lower]", seed_batch=WIDTH) == 0
    (stored,) = runs.records(tmp_path)
    assert stored.record.cell.torso == "gru"
    assert stored.record.result_hash in runs.result_hashes(smoke)
    actions = planned(tmp_path)
    assert {labels: action.action for labels, action in actions.items()} == {
        labels: "reuse" if labels == ("higher-lower", "ppo", "gru") else "new" for labels in actions
    }


@pytest.fixture
def torso(tmp_path, monkeypatch):
    """Writes a user's module, again and again, as a new process would see it; `arguments` run it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"engine_torso_{next(_numbers)}"

    def write(text=TORSO):
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()

    write.arguments = (f"+torsos.mine={name}:Cell", "tasks=higher-lower", *runs.SHORT)
    return write


RAISES_AT_IMPORT = "import a_package_that_is_not_there\n" + TORSO
RAISES_AT_BUILD = TORSO.replace("return nn", 'raise RuntimeError("no [such] memory")\n        return nn')
RAISES_IN_TRAINING = "import jax\n\ndef refuse():\n    raise OSError('the disk is on fire')\n" + TORSO.replace(
    "(x)\n", "(x) + jax.pure_callback(refuse, jax.ShapeDtypeStruct((), x.dtype))\n"
)


@pytest.mark.parametrize(
    ("broken", "kind", "said"),
    [
        (RAISES_AT_IMPORT, "ModuleNotFoundError", "a_package_that_is_not_there"),
        (RAISES_AT_BUILD, "RuntimeError", "no [such] memory"),
    ],
    ids=["import", "build"],
)
def test_a_failing_cell_costs_only_itself(torso, tmp_path, capsys, broken, kind, said):
    torso(broken)
    arguments = (*torso.arguments, "torsos=[mine,mlp]")
    assert runs.run(tmp_path, *arguments) == 3
    shown = capsys.readouterr().out
    assert " FAIL  higher-lower     ppo/mine" in shown
    assert said in shown
    assert " done  higher-lower     ppo/mlp" in shown
    assert "1 ok, 1 failed -> " in shown
    assert "(exit 3)" in shown

    (stored,) = runs.records(tmp_path)
    assert stored.record.cell.torso == "mlp"
    (file,) = tmp_path.glob(f"*/higher-lower/ppo/mine/*/{FAILURES}/1.json")
    failure = json.loads(file.read_text())
    assert failure["kind"] == kind
    assert said in failure["message"]
    assert any(said in line for line in failure["traceback_tail"])
    actions = planned(tmp_path, *arguments)
    assert actions["higher-lower", "ppo", "mine"].action == "retry"
    assert actions["higher-lower", "ppo", "mine"].reason.startswith(f"failed: {kind}, ")
    assert actions["higher-lower", "ppo", "mlp"].action == "reuse"

    if kind == "RuntimeError":  # once is enough
        torso()
        assert planned(tmp_path, *arguments)["higher-lower", "ppo", "mine"].action == "retry"
        assert runs.run(tmp_path, *arguments) == 0
        assert len(runs.records(tmp_path)) == 2
        assert {action.action for action in planned(tmp_path, *arguments).values()} == {"reuse"}


def test_a_cell_that_fails_in_training(torso, tmp_path):
    """In a process of its own: jax repeats such an error when the process ends."""
    torso(RAISES_IN_TRAINING)
    done = runs.command("run", "suite=smoke", *torso.arguments, "torsos=[mine,mlp]", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(" FAIL")]
    assert line == " FAIL  higher-lower     ppo/mine        OSError: the disk is on fire"
    assert " done  higher-lower     ppo/mlp" in done.stdout
    (file,) = tmp_path.glob(f"results/*/higher-lower/ppo/mine/*/{FAILURES}/1.json")
    failure = json.loads(file.read_text())
    assert failure["kind"] == "JaxRuntimeError"
    assert "OSError: the disk is on fire" in failure["traceback_tail"]


def test_claims_are_released_on_failure(torso, tmp_path):
    torso(RAISES_AT_BUILD)
    assert runs.run(tmp_path, *torso.arguments, "torsos=mine") == 3
    assert runs.run(tmp_path, *torso.arguments, "torsos=mine") == 3  # at once: nobody holds it
    claims = sorted(path.name for path in tmp_path.glob(".work/*/claim.*"))
    assert claims == ["claim.1", "claim.2"]
    assert all(json.loads(path.read_text())["released"] for path in tmp_path.glob(".work/*/claim.*"))
    assert len(list(tmp_path.glob(f"**/{FAILURES}/*.json"))) == 2


def test_out_of_memory_is_called_so(tmp_path, monkeypatch):
    def run_chunk(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 TiB")

    monkeypatch.setattr(work, "run_chunk", run_chunk)
    assert runs.run(tmp_path, *ONE, seed_batch=WIDTH) == 3
    assert planned(tmp_path, *ONE)["higher-lower", "ppo", "mlp"].reason.startswith("failed: out of memory, ")


@pytest.mark.parametrize(("fail_fast", "tried"), [(True, 1), (False, 2)])
def test_fail_fast_stops_at_the_first_failure(tmp_path, monkeypatch, fail_fast, tried):
    def trace(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(work, "trace", trace)
    assert runs.run(tmp_path, "tasks=higher-lower", fail_fast=fail_fast) == 3
    assert len(list(tmp_path.glob(f"**/{FAILURES}/*.json"))) == tried


def test_an_interruption_is_no_failure(tmp_path, monkeypatch):
    def run_chunk(*_):
        raise Interrupted

    monkeypatch.setattr(work, "run_chunk", run_chunk)
    with pytest.raises(Interrupted):
        runs.run(tmp_path, *ONE, seed_batch=WIDTH)
    assert list(tmp_path.glob(f"**/{FAILURES}")) == []
    (claim,) = tmp_path.glob(".work/*/claim.1")
    assert json.loads(claim.read_text())["released"]


def test_diverged_seeds_are_kept_and_reported(tmp_path, capsys):
    arguments = (*ONE, *runs.SHORT, "algorithms.ppo.learning_rate=1e30")
    assert runs.run(tmp_path, *arguments) == 3
    shown = capsys.readouterr().out
    assert " NaN   higher-lower     ppo/mlp         seed 0 at 512" in shown
    assert "0 ok, 1 with diverged seeds" in shown
    (stored,) = runs.records(tmp_path)
    assert stored.record.results.finite == (False, False)
    assert not any(reason.startswith("gate") for reason in stored.record.not_rankable_because)
    assert runs.run(tmp_path, *arguments) == 0  # they are never run again


def test_code_that_changed(torso, tmp_path, capsys):
    """A comment changes nothing; dead code is adopted; another computation is computed."""
    arguments = (*torso.arguments, "torsos=mine")
    mine = ("higher-lower", "ppo", "mine")
    torso()
    assert runs.run(tmp_path, *arguments) == 0
    (first,) = runs.records(tmp_path)

    torso(TORSO.replace("A torso of the user's own.", "Now documented.") + "\n# and commented\n")
    assert planned(tmp_path, *arguments)[mine].action == "reuse"

    torso(TORSO + "\n\ndef unused():\n    return 1\n")
    action = planned(tmp_path, *arguments)[mine]
    assert action.action == "stale"
    assert action.reason.endswith(".py changed")
    capsys.readouterr()
    assert runs.run(tmp_path, *arguments) == 0
    shown = capsys.readouterr().out
    assert " same  higher-lower     ppo/mine" in shown
    assert "0 ok, 1 adopted" in shown
    (adopted,) = runs.records(tmp_path)
    assert adopted.record == first.record
    assert len(adopted.code_hashes) == 2
    assert first.path.with_name("adopted.json").is_file()
    assert planned(tmp_path, *arguments)[mine].action == "reuse"
    assert "adopted: same program" in planned(tmp_path, *arguments)[mine].reason

    torso(TORSO.replace("(x)\n", "(2 * x)\n"))
    assert planned(tmp_path, *arguments)[mine].action == "stale"
    assert runs.run(tmp_path, *arguments) == 0
    assert len(runs.result_hashes(tmp_path)) == 2


def test_a_sweep_over_the_learning_rate_compiles_once(tmp_path, capsys):
    """And gives each cell the numbers of its own rate."""
    slow = "+algorithms.slow={type: ppo, learning_rate: 1e-5}"
    same = ["num_envs=8", "num_steps=64", "num_minibatches=2", "update_epochs=2"]
    arguments = (*ONE, *runs.SHORT, slow, "algorithms=[ppo,slow]", *(f"algorithms.slow.{setting}" for setting in same))
    suite = load_suite("smoke", arguments)
    made = plan(suite, Store(tmp_path).scan(suite.label), code_hashes(suite), device_kind())
    assert (len(made.to_do), made.compile_groups) == (2, 1)
    assert runs.run(tmp_path, *arguments) == 0
    first, second = (stored.record for stored in sorted(runs.records(tmp_path), key=lambda s: s.record.cell.algorithm))
    assert (second.volatile.timing.trace, second.volatile.timing.compile, second.volatile.timing.cache) == (0, 0, "hit")
    assert first.volatile.timing.trace > 0
    assert first.code.program_hash == second.code.program_hash
    assert first.results.final != second.results.final
    alone = tmp_path / "alone"
    assert runs.run(alone, *(a for a in arguments if not a.startswith("algorithms=")), "algorithms=slow") == 0
    assert runs.records(alone)[0].record.result_hash == second.result_hash


def test_two_labels_of_one_configuration_both_get_their_record(tmp_path):
    """They are one run by its identity: the second waits for the first, and none is lost."""
    other = "+torsos.other={type: mlp, features: 16}"
    arguments = ("tasks=higher-lower", *runs.SHORT, other, "torsos=[mlp,other]")
    suite = load_suite("smoke", arguments)
    assert len({cell.config_hash for cell in suite.cells}) == 1
    made = plan(suite, Store(tmp_path).scan(suite.label), code_hashes(suite), device_kind())
    events = []
    screen = Screen(lambda *_: None, lambda *_: None, events.append)
    with TwoAtATime() as launcher:
        outcome = Engine(Store(tmp_path), launcher, screen, (), device_kind()).execute(made, code_hashes(suite))
    assert (outcome.done, outcome.failed) == (2, 0)
    records = [stored.record for stored in runs.records(tmp_path)]
    assert sorted(record.cell.torso for record in records) == ["mlp", "other"]
    assert len({record.run_id for record in records}) == 1


class TwoAtATime(Inline):
    slots = 2


def test_two_processes_share_the_work(tmp_path):
    """One record a run whoever makes it, and both are content."""
    program = [runs.SCRIPT, "run", "suite=smoke", "torsos=mlp", "--seed-batch", str(WIDTH)]
    running = [
        subprocess.Popen(program, cwd=tmp_path, env=runs.environment(), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    stored = runs.records(tmp_path / "results")
    assert sorted(s.record.cell.task for s in stored) == ["higher-lower", "repeat-previous"]
    assert Store(tmp_path / "results").scan("smoke@0").invalid == ()
    assert not [path for path in (tmp_path / "results" / ".work").iterdir() if path.name != "code"]
    trained = [text.count(" done ") - text.count("by another process") for text in said]
    assert sum(trained) == 2, said


def test_what_another_process_published_since_the_plan_is_not_run_again(smoke, tmp_path, monkeypatch):
    suite = load_suite("smoke", ONE)
    codes = code_hashes(suite)
    stale_plan = plan(suite, Store(tmp_path).scan(suite.label), codes, device_kind(), WIDTH)
    assert runs.run(tmp_path, *ONE, seed_batch=WIDTH) == 0
    monkeypatch.setattr(work, "trace", lambda *_: pytest.fail("trained again"))
    events = []
    screen = Screen(lambda *_: None, lambda *_: None, events.append)
    outcome = Engine(Store(tmp_path), Inline(), screen, (), device_kind()).execute(stale_plan, codes)
    assert (outcome.done, outcome.elsewhere, outcome.all_well) == (0, 1, True)
    assert [event.kind for event in events] == ["elsewhere"]
    assert [path.name for path in (tmp_path / ".work").iterdir()] == ["code"]
