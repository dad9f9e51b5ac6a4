"""The closure is exact: a change is noticed by what uses it, and by nothing else."""

import pytest

from memorax_bench.code_hash import changed_modules, code_hash
from memorax_bench.errors import UsageProblems
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.grid import cell_roots

FILES = {
    "memorax/__init__.py": "from memorax.nets import lru, gru\n",
    "memorax/registry.py": "NAMES = {}\n",
    "memorax/lox.py": "def log(x):\n    return x\n",
    "memorax/nets/__init__.py": "from memorax.nets.gru import GRU\nfrom memorax.nets.lru import LRU as TheLRU\nX = 1\n",
    "memorax/nets/base.py": "class Base: pass\n",
    "memorax/nets/gru.py": "from .base import Base\nfrom memorax import lox\n\nclass GRU(Base): pass\n",
    "memorax/nets/lru.py": "from ..nets.base import Base\nfrom memorax import registry\n\nclass LRU(Base): pass\n",
    "memorax/by_name.py": "from memorax.nets import GRU\n",
    "memorax/by_alias.py": "from memorax.nets import TheLRU\n",
    "memorax/own_name.py": "from memorax.nets import X\n",
    "memorax/inside.py": "def f():\n    import memorax.nets.lru\n",
    "mine.py": "import helper\nimport json\nfrom memorax.nets import gru\n",
    "helper.py": "Y = 1\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("root", "modules"),
    [
        ("memorax.nets.gru", "memorax.lox memorax.nets.base memorax.nets.gru"),
        ("memorax.nets.lru:LRU", "memorax.nets.base memorax.nets.lru"),
        ("memorax.by_name", "memorax.by_name memorax.lox memorax.nets.base memorax.nets.gru"),
        ("memorax.by_alias", "memorax.by_alias memorax.nets.base memorax.nets.lru"),
        ("memorax.inside", "memorax.inside memorax.nets.base memorax.nets.lru"),
        ("mine:Cell", "helper memorax.lox memorax.nets.base memorax.nets.gru mine"),
    ],
)
def test_closure(tree, root, modules):
    assert " ".join(code_hash([root], [tree]).modules) == modules


def test_a_name_of_the_package_itself_brings_in_the_package(tree):
    found = code_hash(["memorax.own_name"], [tree]).modules
    assert {"memorax.nets", "memorax.nets.gru", "memorax.nets.lru"} <= found.keys()


@pytest.mark.parametrize(
    ("file", "text", "gru", "lru"),
    [
        ("memorax/nets/lru.py", FILES["memorax/nets/lru.py"] + "Z = 1\n", False, True),
        ("memorax/nets/base.py", "class Base: x = 1\n", True, True),
        ("memorax/registry.py", "NAMES = {'new': 'memorax.new:New'}\n", False, False),
        ("memorax/nets/__init__.py", "", False, False),
        ("memorax/nets/new.py", "class New: pass\n", False, False),
        ("memorax/nets/base.py", '"""Doc."""\n\n\n# comment\nclass Base:\n    """Doc."""\n    pass\n', False, False),
    ],
)
def test_what_a_change_reaches(tree, file, text, gru, lru):
    before = [code_hash([f"memorax.nets.{name}"], [tree]) for name in ("gru", "lru")]
    (tree / file).write_text(text)
    after = [code_hash([f"memorax.nets.{name}"], [tree]) for name in ("gru", "lru")]
    assert [old.value != new.value for old, new in zip(before, after, strict=True)] == [gru, lru]


def test_the_change_is_named(tree):
    before = code_hash(["memorax.nets.gru"], [tree])
    (tree / "memorax/nets/base.py").write_text("class Base: x = 1\n")
    after = code_hash(["memorax.nets.gru"], [tree])
    assert changed_modules(before.modules, after.modules) == ("memorax.nets.base",)


def test_the_class_a_name_stands_for_enters(tree):
    assert code_hash(["memorax.nets.gru:A"], [tree]).value != code_hash(["memorax.nets.gru:B"], [tree]).value


def test_missing_and_broken_modules(tree):
    with pytest.raises(UsageProblems, match=r"no module 'memorax\.nope'"):
        code_hash(["memorax.nope"], [tree])
    (tree / "memorax/lox.py").write_text("def\n")
    with pytest.raises(UsageProblems, match="not valid Python"):
        code_hash(["memorax.nets.gru"], [tree])


def test_cells_of_the_library_depend_on_their_own_torso_only(tiny):
    catalogue = load_catalogue()
    for cell in tiny.cells:
        roots = [root for root in cell_roots(cell, catalogue) if not root.startswith("memorax_bench.")]
        names = {module.rpartition(".")[2] for module in code_hash(roots, ["."]).modules}
        torsos = names & {"lru", "mamba2", "mlp"}
        assert torsos <= {cell.config["torso"]["type"]}
        assert {"ppo", "lox"} <= names
