"""A user's own torso is read from its source and never imported."""

import pytest

from memorax_bench.errors import UsageProblems
from memorax_bench.suite.load import load_suite

PLAIN = """
import flax.linen as nn
import does_not_exist
raise SystemExit("imported!")
WIDTH = 24
class Base(nn.RNNCellBase):
    features: int
    depth: int = 1
class Cell(Base):
    rate: float = 1
    kernels: tuple[int, ...] = (3, 5)
    width: int = WIDTH
    init: Callable = nn.initializers.zeros
    dtype: Any = None
    sloppy: int = None
    limit: int | None = None
    hidden: ClassVar[int] = 3
    depth: int = 2
"""
CONFIG = """
import dataclasses
@dataclasses.dataclass(frozen=True)
class CellConfig:
    features: int
    gates: int = 2
    names: list[str] = dataclasses.field(default_factory=list)
    scale: float = dataclasses.field(default=0.5)
class Cell(nn.Module):
    config: "CellConfig"
"""


@pytest.fixture
def load(write_suite, tmp_path, monkeypatch):
    """Loads the small suite with a user's module beside it."""

    def load(source, *arguments, module="mine.py"):
        monkeypatch.chdir(tmp_path)
        if source is not None:
            (tmp_path / module).parent.mkdir(exist_ok=True)
            (tmp_path / module).write_text(source)
        return load_suite(write_suite(), arguments)

    return load


def settings(suite):
    return suite.cells[0].config["torso"]["settings"]


def test_fields_of_a_class_and_its_bases(load):
    suite = load(PLAIN, "+torsos.mine=mine:Cell", "torsos=mine", "torsos.mine.rate=3")
    assert suite.cells[0].config["torso"]["type"] == "mine:Cell"
    assert settings(suite) == {
        "features": 64,
        "depth": 2,
        "rate": 3.0,
        "kernels": [3, 5],
        "width": 24,
        "limit": None,
    }


def test_fields_of_a_config(load):
    suite = load(CONFIG, "+torsos.mine={type: mine:Cell, features: 1e2}", "torsos=mine")
    assert settings(suite) == {"features": 100, "gates": 2, "scale": 0.5}


def test_a_package(load):
    suite = load("class Cell:\n    features: int = 3\n", "+torsos.m=pkg.mod:Cell", "torsos=m", module="pkg/mod.py")
    assert settings(suite) == {"features": 3}


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (None, ["+torsos.mine=mine:Cell"], "no module 'mine'\n  is mine.py in the working directory"),
        (PLAIN, ["+torsos.mine=mine:Sell"], "mine.py has no class 'Sell'; allowed: Base, Cell\n  did you mean 'Cell'?"),
        ("class Cell\n", ["+torsos.mine=mine:Cell"], "mine.py:1 is not valid Python"),
        (PLAIN, ["+torsos.mine=mine.py:Cell"], "no module 'mine.py'"),
        (PLAIN, ["+torsos.mine=mine:"], "is not of the form 'package.module:Class'"),
        (PLAIN, ["+torsos.mine=../mine:Cell"], "is not of the form"),
        (PLAIN, ["+torsos.mine=mine:Cell", "torsos.mine.rat=3"], "did you mean 'rate'?"),
        (PLAIN, ["+torsos.mine=mine:Cell", "torsos.mine.rate=x"], "not a finite number"),
        (PLAIN, ["+torsos.mine=mine:Cell", "torsos.mine.dtype=bf16"], "cannot be written in a suite; it keeps its"),
        ("class Cell:\n    n: int\n", ["+torsos.mine=mine:Cell"], "torsos.mine.n\n  missing; it is a int"),
        ("class Cell:\n    f: Callable\n", ["+torsos.mine=mine:Cell"], "field 'f: Callable' of Cell has no default"),
    ],
)
def test_bad_user_torso(load, source, arguments, message):
    with pytest.raises(UsageProblems) as caught:
        load(source, *arguments)
    text = str(caught.value).replace("argument +torsos.mine=mine:Cell\n", "torsos.mine.n\n")
    assert message in text
