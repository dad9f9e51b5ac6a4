"""The verb `check-torso`: a broken torso fails the laws that it breaks, a sound one none, a mistake is told."""

import re
from pathlib import Path

import pytest

from memorax_bench.cell import torso_laws
from memorax_bench.cell.build import build_torso
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs import check_torso

GUIDE = (Path(__file__).parents[3] / "docs" / "torsos.md").read_text(encoding="utf-8")
# file name -> source, and what is typed -> what is printed
FILES = {source.split()[1]: source for source in re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)}
CALLS = dict(re.findall(r"^```\n\$ memorax-bench (.*?)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))

ACTS_OTHERWISE = {"step_equals_sequence", "chunks_equal_sequence"}
BROKEN = {  # torso of fixtures/broken_torsos.py -> the laws that it breaks
    "LeakyGRU": {"reset_equals_fresh"},
    "LateResetGRU": {*ACTS_OTHERWISE, "reset_equals_fresh"},
    "ClairvoyantModel": {*ACTS_OTHERWISE, "reset_equals_fresh", "causal"},
    "ForgetsItsDtypeCell": {"bfloat16", "finite_after_long"},
    "SharedMemoryModel": {"carry_keeps_form"},
    "WeaklyTypedGRU": {"compiles_once"},
    "WrongCombineCell": {*ACTS_OTHERWISE, "strategies_agree"},
}


def table(text):
    """The cells of each line of the table, the head apart."""
    return [line.split() for line in text.partition("\n\n")[0].splitlines()[1:]]


def failed(text):
    return {law for law, *_, result in table(text) if result == "FAIL"}


def write(folder, name, source):
    (folder / f"{name}.py").write_text(f"import flax.linen as nn\nimport jax.numpy as jnp\n{source}")


@pytest.mark.parametrize(("torso", "laws"), BROKEN.items(), ids=BROKEN)
def test_a_broken_torso_fails_the_laws_that_it_breaks_and_no_other(call, torso, laws):
    code, out, _ = call("check-torso", f"fixtures.broken_torsos:{torso}")
    assert (code, failed(out)) == (6, laws)
    assert out.endswith(f"\n\nFAIL: {len(laws)} of {10 + (torso == 'WrongCombineCell')} laws broken\n")
    assert "Traceback" not in out
    for law in laws:
        assert f"\n\n{law}: {check_torso.MEANING[law]}" in out or f"\n\n{law}: raises, and so will an agent\n  " in out


def test_each_strategy_of_a_memoroid_cell_is_measured(call, monkeypatch):
    """Of the laws of `measure`; the programs of the others are large, and this torso does not break them."""
    monkeypatch.setattr(torso_laws.laws, "TRIALS", ())
    monkeypatch.setattr(torso_laws, "_strategies_agree", lambda *_: torso_laws.Row("strategies_agree", "all", 0, 1))
    code, out, _ = call("check-torso", "fixtures.broken_torsos:WindowlessMamba2Cell")
    assert (code, failed(out)) == (6, ACTS_OTHERWISE)
    measured = {(law, strategy) for law, strategy, _, _, result in table(out)[1:-1] if result == "FAIL"}
    assert measured == {(law, name) for law in ACTS_OTHERWISE for name in ("sequential", "associative", "chunked")}


def test_a_registered_torso_holds_every_law(call):
    code, out, _ = call("check-torso", "gru")
    assert (code, failed(out)) == (0, set())
    assert {law for law, *_ in table(out)} == check_torso.MEANING.keys()
    assert "settings    features=64 (features was not given)\n" in out
    assert "kind        recurrent cell, scanned over time by RNN\n" in out
    assert "parameters  37,312, reading 129 inputs\nmemory      256 bytes an environment\none step    74,112 " in out
    assert out.endswith("\n\nall 11 laws hold\n")


@pytest.mark.parametrize("command", CALLS)
def test_the_guide_shows_what_is_printed(call, tmp_path, command):
    for name, source in FILES.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    code, out, _ = call(*command.split())
    assert code == 0
    numbers = re.compile(r"( +)(\d+|\de-\d\d)(?= +(?:\de-\d\d|\d) +pass)")  # they differ between machines
    assert numbers.sub(" #", out) == numbers.sub(" #", CALLS[command])


@pytest.mark.parametrize("torso", ["my_rnn:Cell", "my_decay:DecayCell"])
def test_the_torsos_of_the_guide_stand_in_a_suite(tmp_path, monkeypatch, torso):
    for name, source in FILES.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    suite = load_suite("smoke", [f"+torsos.mine={torso}", "torsos=[mine]", "torsos.mine.features=12"])
    config = suite.cells[0].config["torso"]
    assert config["settings"]["features"] == 12
    assert "12" in str(build_torso(config))


def test_what_raises_fails_with_its_place_and_hides_no_other_law(call, tmp_path):
    write(
        tmp_path,
        "raising",
        """
from memorax.networks import SequenceModel
class Model(SequenceModel):
    @nn.nowrap
    def initialize_carry(self, batch):
        return ()
    @nn.compact
    def __call__(self, x, start, carry):
        if x.shape[1] == 33:
            raise RuntimeError("no chunks of 33\\nplease")
        return carry, nn.Dense(3)(x)
""",
    )
    code, out, _ = call("check-torso", "raising:Model")
    assert (code, failed(out)) == (6, {"chunks_equal_sequence"})
    said = "chunks_equal_sequence: raises, and so will an agent\n  RuntimeError: no chunks of 33 (raising.py:12)\n"
    assert said in out


def test_a_carry_that_grows_is_no_traceback(call):
    code, out, _ = call("check-torso", "fixtures.broken_torsos:GrowingCell")
    assert (code, len(failed(out))) == (6, 10)
    assert "  carry is float32[3,1] before and float32[3,2] after\n" in out
    assert "type float32[4,1] but the corresponding output carry component has type float32[4,2]" in out


def test_a_module_called_otherwise_is_told_how_it_is_called(call, tmp_path):
    write(tmp_path, "underived", "class Cell(nn.Module):\n    def __call__(self, carry, x):\n        return carry, x\n")
    code, out, _ = call("check-torso", "underived:Cell")
    assert code == 6
    assert "missing 1 required positional argument: 'x'" in out
    assert " no memory: a module of x alone, which treats each step by itself" in out


SOURCES = {
    "plain": "class Cell:\n    features: int = 3\n",
    "function": "def cell(): ...\nclass Cell(nn.Module):\n    features: int\n    rate: float = 1\n",
    "raises": 'raise RuntimeError("at import")\nclass Cell(nn.Module): ...\n',
    "abstract": "from memorax.networks import MemoroidCell\nclass Cell(MemoroidCell):\n    def lift(self): ...\n",
    "picky": 'class Cell(nn.Module):\n    def __post_init__(self):\n        raise TypeError("not today")\n',
}
MISTAKES = [
    ([], ["which torso?", "check-torso my_torso:Cell", "memorax-bench ls torsos"]),
    (["grru"], ["argument grru\n  unknown torso 'grru'; allowed: attention, ", "did you mean 'gru'?"]),
    (["gru", "featurs=3"], ["argument featurs=3\n  unknown key; allowed: features\n  did you mean 'features'?"]),
    (["gru", "features=x"], ["argument features=x\n  not a whole number"]),
    (["gru", "features"], ["argument features\n  not a setting; allowed: name=value"]),
    (["gru", "role=control"], ["argument role=control\n  unknown key; allowed: features"]),
    (["gru", "features=3", "features=4"], ["argument features=4\n  given twice"]),
    (["gru", "features=0"], ["argument gru\n  GRUConfig: features = 0 must be a whole number of at least 1"]),
    (["nowhere:Cell"], ["no module 'nowhere'\n  is nowhere.py in the working directory"]),
    (["function:cell"], ["function.py has no class 'cell'; allowed: Cell"]),
    (["function:Cell", "rate=fast"], ["argument rate=fast\n  not a finite number"]),
    (["plain:Cell"], ["no torso: it is not a flax module\n  derive it from flax.linen.RNNCellBase, memorax.networks."]),
    (["raises:Cell"], ["its module cannot be imported: RuntimeError: at import"]),
    (["abstract:Cell"], ["it lacks initial_state, project, read, step\n"]),
    (["picky:Cell"], ["it cannot be built: TypeError: not today"]),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda value: " ".join(value)[:40])
def test_mistakes_are_told_before_anything_is_measured(call, tmp_path, monkeypatch, arguments, said):
    monkeypatch.setattr(torso_laws, "measure", lambda *_: pytest.fail("it was measured"))
    for name, source in SOURCES.items():
        write(tmp_path, name, source)
    code, out, err = call("check-torso", *arguments)
    assert (code, out) == (2, "")
    assert all(part in err for part in said), err
    assert "Traceback" not in err


def test_progress_is_told_where_it_takes_long(monkeypatch):
    monkeypatch.setattr(torso_laws, "_QUIET", -1.0)
    monkeypatch.setattr(torso_laws, "_rows", lambda *_: [])
    lines = []
    check_torso.check_torso("mlp", ["features=4"], lines.append)
    assert [line.split(" s  ")[1] for line in lines][:2] == ["carry", "4 laws, own"]
