"""The command line as its user meets it: words, exit codes, and mistakes refused before anything runs."""

import json
import signal
import subprocess
import sys
import time

import pytest

from fixtures import runs
from memorax_bench import cli, doctor
from memorax_bench import engine as engine_module
from memorax_bench.catalogue import CATALOGUE_FILE
from memorax_bench.record import encode, seal
from memorax_bench.suite import load_suite, shipped_suites, suites_folder
from tests.bench import synthetic

VERBS = ("run", "plan", "report", "ls", "show", "validate", "doctor", "catalogue", "bounds")
SMOKE = (suites_folder() / "smoke.yaml").read_text()


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """`memorax-bench ...` in a folder of its own -> (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def call(*arguments):
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.setattr(sys, "argv", ["memorax-bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return call


@pytest.mark.parametrize("verb", VERBS)
def test_help_teaches_by_example_and_names_the_exit_codes(call, verb):
    code, text, _ = call(verb, "--help")
    assert code == 0
    assert f"memorax-bench {verb}" in text or "suite=quick" in text
    assert "Exit: 0 " in text
    assert ("'+torsos.mine=my_module:Cell'" in text) == (verb in ("run", "plan", "report", "validate"))


def test_help_lists_the_verbs_and_where_to_start(call):
    code, text, _ = call("--help")
    assert code == 0
    assert all(f"\n  {verb} " in text for verb in VERBS)
    assert "Start with: memorax-bench run suite=quick" in text


ON_THE_COMMAND_LINE = {
    "no suite": ([], ["which suite?; allowed: suite=control, suite=memory, ", "memorax-bench plan suite="]),
    "two suites": (["suite=quick", "suite=smoke"], ["exactly one suite= is needed"]),
    "unknown suite": (["suite=quik"], ["no suite 'quik'; allowed: control, memory, ", "did you mean 'quick'?"]),
    "no such file": (["suite=nope.yaml"], ["nope.yaml", "cannot be read: No such file or directory"]),
    "unknown task": (["suite=smoke", "tasks=[repeat-previus]"], ["argument tasks=[repeat-previus]", "did you mean"]),
    "unknown torso": (["suite=smoke", "torsos=grru"], ["argument torsos=grru", "allowed: ", "did you mean 'gru'?"]),
    "unknown algorithm": (["suite=smoke", "algorithms=pp"], ["argument algorithms=pp", "did you mean 'ppo'?"]),
    "unknown key": (["suite=smoke", "torsos.gru.featurs=3"], ["argument torsos.gru.featurs=3", "'features'?"]),
    "wrong type": (["suite=smoke", "torsos.gru.features=many"], ["torsos.gru.features=many", "not a whole number"]),
    "out of range": (["suite=smoke", "protocol.discount=1.5"], ["argument protocol.discount=1.5", "less than or eq"]),
    "removing nothing": (["suite=smoke", "~torsos.nope"], ["argument ~torsos.nope", "allowed: mlp, gru"]),
    "unsafe value": (["suite=smoke", "seeds=${HOME}"], ["argument seeds=${HOME}", "interpolation is not supported"]),
    "no module": (["suite=smoke", "+torsos.mine=nowhere:Cell"], ["no module 'nowhere'", "nowhere.py in the working"]),
    "not an override": (["suite=smoke", "gru"], ["argument gru"]),
}
IN_THE_FILE = {  # what is replaced, by what, and what is said; {line} is the last line of the new text
    "unknown key": (
        "gru: {features",
        "gru: {featurs",
        ["mine.yaml:{line}  entries.torsos.gru.featurs = 16", "did you mean 'features'?"],
    ),
    "wrong type": (
        "num_envs: 8",
        "num_envs: few",
        ["mine.yaml:{line}  entries.algorithms.ppo.num_envs = few", "not a whole number"],
    ),
    "unknown name": (
        "mlp: {feat",
        "mpl: {feat",
        ["mine.yaml:{line}  entries.torsos.mpl", "unknown torso 'mpl'; allowed: ", "did you mean 'mlp'?"],
    ),
    "duplicate key": ("name: smoke", "name: smoke\nname: a", ["mine.yaml:{line}  name", "duplicate key"]),
    "impossible combination": (
        "eval_every: 2048",
        "eval_every: 2000",
        ["mine.yaml:{line}  protocol.eval_every = 2000", "num_envs 8 * num_steps 64 = 512 steps", "nearest: "],
    ),
    "unsafe": (
        "  seeds: 2",
        "  seeds: !!python/object/apply:os.system [ls]",
        ["mine.yaml:{line}  entries.seeds", "tag '!!python/object/apply:os.system' is not supported"],
    ),
    "not YAML": ("tasks:\n", "tasks: [\n", ["mine.yaml:", "YAML"]),
    "not a mapping": (SMOKE, "- 1", ["mine.yaml:{line}", "the top level is not a mapping"]),
    "empty": (SMOKE, "", ["mine.yaml", "the file is empty"]),
}


@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize(("arguments", "said"), ON_THE_COMMAND_LINE.values(), ids=ON_THE_COMMAND_LINE)
def test_mistakes_on_the_command_line(call, verb, arguments, said):
    code, out, err = call(verb, *arguments)
    assert (code, out) == (2, "")
    assert all(part in err for part in said), err
    assert "Traceback" not in err


@pytest.mark.parametrize(("old", "new", "said"), IN_THE_FILE.values(), ids=IN_THE_FILE)
def test_mistakes_in_a_file(call, tmp_path, old, new, said):
    assert SMOKE.count(old) == 1
    text = SMOKE.replace(old, new)
    (tmp_path / "mine.yaml").write_text(text)
    code, out, err = call("run", "suite=mine.yaml")
    assert (code, out) == (2, "")
    line = 1 + text[: text.index(new) + len(new)].count("\n")
    assert all(part.replace("{line}", str(line)) in err for part in said), err
    assert "Traceback" not in err


REFUSED = {
    "algorithm": ("algorithms.ppo.clip_coefficient=-1", "clip_coefficient = -1.0 must be greater than 0"),
    "a second setting of it": ("algorithms.ppo.gae_lambda=2", "gae_lambda = 2.0 must be between 0 and 1"),
    "optimizer": ("algorithms.ppo.learning_rate=0", "learning_rate = 0.0 must be greater than 0"),
    "torso": (
        "torsos.mamba2.head_dim=5",
        "needs expand * features = 16 to be a multiple of head_dim = 5; use head_dim=",
    ),
    "width": ("torsos.gru.features=0", "features = 0 must be a whole number of at least 1"),
}


def test_what_only_the_library_can_refuse_is_refused_at_once_before_anything_runs(call, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "trace", lambda *_: pytest.fail("it ran"))
    code, _, err = call("run", "suite=smoke", "torsos=[gru,mamba2]", *(argument for argument, _ in REFUSED.values()))
    assert code == 2
    for argument, message in REFUSED.values():
        assert f"argument {argument}\n  {message}" in err.replace("Mamba2Config ", "")
    assert not (tmp_path / "results").exists()


def test_what_the_library_refuses_is_found_in_the_file(call, tmp_path):
    text = SMOKE.replace("learning_rate: 1e-3", "learning_rate: -1")
    (tmp_path / "mine.yaml").write_text(text)
    code, _, err = call("run", "suite=mine.yaml", "torsos=gru")
    assert code == 2
    line = text[: text.index("learning_rate")].count("\n") + 1
    assert f"mine.yaml:{line}  entries.algorithms.ppo.learning_rate = -1.0\n  learning_rate = -1.0 must be" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "memorax-bench [OPTIONS] COMMAND"),
        (["runn"], "No such command 'runn'. Did you mean 'run'?"),
        (["plan", "suite=quick", "--fast"], "No such option: --fast"),
        (["run", "suite=quick", "--seed-batch", "0"], "Invalid value for '--seed-batch'"),
        (["ls"], "list what?; allowed: suites, tasks, algorithms, torsos, results\n  for example: memorax-bench ls"),
        (["ls", "torso"], "nothing called 'torso' to list; allowed: suites, tasks, algorithms, torsos, results\n  did"),
    ],
)
def test_mistakes_in_the_command(call, arguments, said):
    code, out, err = call(*arguments)
    assert code == 2
    assert said in out + err
    assert "Traceback" not in err


LISTED = {
    "suites": ["quick@1 ", "smoke@0 ", "(draft: never ranked)"],
    "tasks": ["popgym::RepeatPreviousEasy", "Discrete(4)", "gymnax::MemoryChain-bsuite", "arXiv 2303.01859"],
    "algorithms": ["ppo ", "clip_coefficient", "0.2", "memorax.algorithms.ppo:PPO; acts in: "],
    "torsos": ["gru ", "gtrxl ", "mamba2 ", "mlp ", "head_dim", "required"],
    "results": ["no results yet"],
}


@pytest.mark.parametrize(("kind", "said"), LISTED.items(), ids=LISTED)
def test_ls(call, kind, said):
    code, text, _ = call("ls", kind)
    assert code == 0
    assert all(part in text for part in said), text


@pytest.fixture
def recorded(tmp_path):
    """A suite in the working directory, tiny.yaml, with a record for each of its cells -> the suite."""
    suite = synthetic.resolve(tmp_path)
    synthetic.fill(tmp_path / "results", suite)
    return suite


def test_ls_results_and_plan(call, recorded):
    _, text, _ = call("ls", "results")
    assert text.count("tiny@1 ") == len(recorded.cells)
    assert "repeat-previous ppo/gru" in text
    assert "seeds 0-2" in text
    code, text, _ = call("plan", "suite=tiny.yaml")
    assert code == 0
    assert f"{len(recorded.cells)} cells: {len(recorded.cells)} stale" in text


def test_validate_is_content_with_what_is_valid(call, recorded):
    count = len(recorded.cells)
    assert call("validate", "suite=tiny.yaml") == (0, f"tiny@1: valid; {count} records checked, 0 problems\n", "")
    code, text, _ = call("validate")
    assert code == 0
    labels = ", ".join(load_suite(name).label for name in shipped_suites())
    assert text.startswith(f"{labels}: valid; 0 records checked")


def tamper(path):
    path.write_text(path.read_text().replace('"steps_done":', '"steps_done":1'))


def exceed(path):
    data = json.loads(path.read_text())
    data["results"]["final_returns"][0][0] = 7.0
    del data["result_hash"]
    path.write_bytes(encode(seal(data)))


WRONG = {
    "tampered": (tamper, "does not fit the contents"),
    "cut off": (lambda path: path.write_text(path.read_text()[:100]), "not JSON"),
    "out of bounds": (exceed, "1 returns outside [-1, 1], such as 7: the task or its bounds are wrong"),
    "other curves": (lambda path: path.with_name("curves.csv.gz").write_bytes(b""), "is not the file that the record"),
    "no curves": (lambda path: path.with_name("curves.csv.gz").unlink(), "its curves cannot be read: No such file"),
    "moved": (lambda path: path.parent.rename(path.parent.with_name("0" * 16)), "the record is about"),
}


@pytest.mark.parametrize(("damage", "said"), WRONG.values(), ids=WRONG)
def test_validate_finds_what_is_wrong(call, recorded, tmp_path, damage, said):
    path = sorted(tmp_path.glob("results/tiny@1/repeat-previous/ppo/gru/*/*/record.json"))[0]
    damage(path)
    code, out, err = call("validate", "suite=tiny.yaml")
    assert code == 6
    assert said in err
    assert "ppo/gru" in err
    assert out.endswith(" checked, 1 problem\n")


def test_validate_refuses_a_bad_suite(call, tmp_path):
    (tmp_path / "mine.yaml").write_text(SMOKE.replace("gru:", "gruu:"))
    code, _, err = call("validate", "suite=mine.yaml")
    assert code == 2
    assert "unknown torso 'gruu'" in err


def test_report_without_records(call):
    code, out, err = call("report", "suite=smoke", "torsos=gru")
    assert (code, out) == (5, "")
    assert "no record of smoke@0 to report on\n  make them: memorax-bench run suite=smoke" in err


def test_report_with_records(call, recorded, tmp_path):
    code, out, _ = call("report", "suite=tiny.yaml", "--commands")
    assert code == 0
    assert "RepeatPrevious" in out
    assert "memorax-bench run suite=tiny.yaml" in out
    assert {path.suffix for path in (tmp_path / "reports").rglob("*.*")} >= {".png", ".svg", ".csv", ".md"}


def test_catalogue_is_the_one_that_ships(call):
    code, text, _ = call("catalogue")
    assert code == 0
    assert text == CATALOGUE_FILE.read_text(encoding="utf-8"), "run: memorax-bench catalogue --write"


def test_catalogue_is_written(call, tmp_path, monkeypatch):
    monkeypatch.setattr("memorax_bench.catalogue.CATALOGUE_FILE", tmp_path / "catalogue.json")
    monkeypatch.setattr("memorax_bench.inventory.catalogue_text", lambda: "{}\n")
    assert call("catalogue", "--write") == (0, f"written: {tmp_path / 'catalogue.json'}\n", "")
    assert (tmp_path / "catalogue.json").read_text() == "{}\n"


def test_exit_code_of_failed_cells(call, monkeypatch):
    def trace(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(engine_module, "trace", trace)
    code, out, _ = call("run", "suite=smoke", "torsos=gru", "tasks=higher-lower")
    assert code == 3
    assert "FAIL  higher-lower     ppo/gru         RuntimeError: planted" in out
    assert "again: memorax-bench run suite=smoke 'tasks=[higher-lower]' 'algorithms=[ppo]' 'torsos=[gru]'" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_exit_code_of_an_interruption(tmp_path, number):
    """In the middle of anything, here of planning: no traceback, and what to do next."""
    code = (
        "import sys, time; from memorax_bench import cli, plan; sys.argv = ['memorax-bench', 'plan', 'suite=smoke'];"
        "plan.code_hashes = lambda *_: (print('here', flush=True), time.sleep(30)); cli.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=runs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "\ninterrupted; what is done is kept: run the same command to go on\n"


def test_exit_code_of_an_internal_error(tmp_path):
    code = (
        "import sys; from memorax_bench import cli, plan; sys.argv = ['memorax-bench', 'plan', 'suite=smoke'];"
        "plan.code_hashes = None; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=runs.environment(), capture_output=True)
    assert done.returncode == 1
    assert b"TypeError: 'NoneType' object is not callable" in done.stderr


def plant(folder, name, *top_level):
    """A distribution of another project on the path, as pip would leave it."""
    info = folder / f"{name}-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    (info / "top_level.txt").write_text("\n".join(top_level))
    (info / "RECORD").write_text("".join(f"{module}/__init__.py,,\n" for module in top_level))


def test_doctor_is_content(call, capsys):
    code, text, _ = call("doctor")
    assert code == 0
    for part in ("ok    python 3.", "ok    jax 0.", "1 x cpu (cpu)", "compilation cache", "a product of matrices"):
        assert part in text
    assert "BAD" not in text


def test_doctor_and_run_refuse_a_foreign_memorax(call, tmp_path, monkeypatch):
    plant(tmp_path / "site", "memorax", "memorax")
    monkeypatch.syspath_prepend(tmp_path / "site")
    code, text, _ = call("doctor")
    assert code == 6
    assert text.startswith("BAD   the import 'memorax' belongs to memorax as well, at ")
    assert "pip uninstall memorax, then reinstall memorax-bench" in text
    code, _, err = call("run", "suite=smoke")
    assert code == 6
    assert "pip uninstall memorax" in err


def test_doctor_notes_a_foreign_lox(call, tmp_path, monkeypatch):
    plant(tmp_path / "site", "lox", "lox")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert "lox 9.9 is installed: that is another project" in doctor.foreign_lox()
    code, text, _ = call("doctor")
    assert code == 0
    assert "note  lox 9.9 is installed" in text


def test_doctor_finds_a_cache_that_cannot_be_written(call, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    code, text, _ = call("doctor")
    assert code == 6
    assert "BAD   compilation cache" in text


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["ls", "suites"], ["ls", "torsos"], ["plan", "suite=quick"], ["validate"]],
    ids=" ".join,
)
def test_verbs_that_need_no_accelerator_import_no_jax(tmp_path, arguments):
    code = (
        "import sys; from memorax_bench import cli; sys.argv = ['memorax-bench', *sys.argv[1:]]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "sys.exit('jax' in sys.modules or 'pandas' in sys.modules)"
    )
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=runs.environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert time.monotonic() - begin < 10  # under 1 s on a machine that does nothing else


def test_the_script_is_installed(tmp_path):
    done = runs.command("plan", "suite=smoke", "torsos=gru", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("smoke@0  2 tasks x 1 algorithm x 1 torso x 2 seeds  (draft: never ranked)\n")
    assert "2 cells: 2 new" in done.stdout
    assert runs.command("plan", "suite=smok", cwd=tmp_path).returncode == 2
