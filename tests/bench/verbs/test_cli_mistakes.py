"""Mistakes in a suite and on the command line are refused before anything runs, and located."""

import pytest

from memorax_bench.running.local import LocalWorkers
from memorax_bench.suite.load import suites_folder

SMOKE = (suites_folder() / "smoke.yaml").read_text()
ON_THE_COMMAND_LINE = {
    "no suite": ([], ["which suite?; allowed: suite=control, suite=horizon, ", "memorax-bench plan suite="]),
    "two suites": (["suite=quick", "suite=smoke"], ["exactly one suite= is needed"]),
    "unknown suite": (["suite=quik"], ["no suite 'quik'; allowed: control, horizon, ", "did you mean 'quick'?"]),
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
    monkeypatch.setattr(LocalWorkers, "submit", lambda *_: pytest.fail("it ran"))
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


def test_validate_refuses_a_bad_suite(call, tmp_path):
    (tmp_path / "mine.yaml").write_text(SMOKE.replace("gru:", "gruu:"))
    code, _, err = call("validate", "suite=mine.yaml")
    assert code == 2
    assert "unknown torso 'gruu'" in err
