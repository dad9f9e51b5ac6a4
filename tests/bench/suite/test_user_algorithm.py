"""A user's own algorithm in a suite: read from its file without importing it, built as it was read."""

import dataclasses
import sys

import pytest

from memorax_bench.cell.build import algorithm_config, build_algorithm_config
from memorax_bench.errors import UsageProblems
from memorax_bench.running.plan import code_hashes
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.user_algorithm import read_user_algorithm

SUBCLASS = """
import dataclasses
from typing import ClassVar
import does_not_exist
from memorax.algorithms import PPO, PPOConfig
raise SystemExit("imported!")
WARMTH = 0.5
@dataclasses.dataclass(frozen=True)
class WarmPPOConfig(PPOConfig):
    warmth: float = WARMTH
    num_envs: int = 16
    schedule: Callable = None
class WarmPPO(PPO):
    action_kinds: ClassVar = ("discrete",)
"""
ALIASES = """
from memorax.algorithms import ppo
from memorax.algorithms.a2c import A2C as Base
class Plain(Base):
    pass
class Dotted(ppo.PPO):
    pass
Other = Plain
"""
BARE = """
from typing import ClassVar
from memorax.algorithms.base import Algorithm
class Bare(Algorithm):
    action_kinds: ClassVar = ("discrete",)
"""


@pytest.fixture
def load(write_suite, tmp_path, monkeypatch):
    """Loads the small suite with a user's module `mine` beside it, and no other algorithm."""

    def load(source, name, *arguments):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine.py").write_text(source)
        return load_suite(write_suite(), [f"+algorithms.mine=mine:{name}", "algorithms=mine", *arguments])

    return load


@pytest.mark.parametrize("name", load_catalogue().algorithms)
def test_reading_a_registered_algorithm_finds_what_its_class_says(name):
    catalogue = load_catalogue()
    spec = catalogue.algorithms[name]
    read = read_user_algorithm(spec.class_path, catalogue.optimizers)
    bare = {field: value.model_copy(update={"doc": ""}) for field, value in spec.fields.items()}
    assert read == spec.model_copy(update={"fields": bare})


def test_what_it_states_and_what_it_inherits(load):
    suite = load(SUBCLASS, "WarmPPO", "algorithms.mine.warmth=2")
    settings = suite.cells[0].config["algorithm"]["settings"]
    assert suite.cells[0].config["algorithm"]["type"] == "mine:WarmPPO"
    assert (settings["warmth"], settings["num_envs"], settings["clip_coefficient"]) == (2.0, 16, 0.2)
    assert settings["learning_rate"] == 3e-4 and not {"gamma", "schedule"} & settings.keys()


def test_other_names_of_classes_are_followed(load):
    defaults = load_catalogue().algorithm_fields
    for name, of in (("Plain", "a2c"), ("Dotted", "ppo"), ("Other", "a2c")):
        settings = load(ALIASES, name).cells[0].config["algorithm"]["settings"]
        assert settings == {key: spec.default for key, spec in defaults(of).items()}


def test_a_change_of_its_file_makes_records_stale(load, tmp_path):
    suite = load(SUBCLASS, "WarmPPO")
    before = code_hashes(suite)[suite.cells[0].labels]
    assert {"mine", "memorax.algorithms.ppo", "memorax.algorithms.base"} <= before.modules.keys()
    (tmp_path / "mine.py").write_text(SUBCLASS + "\nCHANGED = 1\n")
    assert code_hashes(suite)[suite.cells[0].labels].value != before.value


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        (SUBCLASS, "WarmPP", "mine.py has no class 'WarmPP'; allowed: WarmPPO, WarmPPOConfig\n  did you mean"),
        (SUBCLASS, "../WarmPPO", "is not of the form 'package.module:Class'"),
        ("class X\n", "X", "mine.py:1 is not valid Python"),
        ("class X:\n    pass\n", "X", "X is no algorithm: it does not derive from Algorithm"),
        (BARE, "Bare", "Bare has no BareConfig beside it"),
        (BARE + "class BareConfig:\n    num_envs: int = 1\n    num_steps: int = 1\n", "Bare", "has no field 'gamma'"),
        (BARE + "class BareConfig:\n    gamma: float = 1.0\n", "Bare", "no field 'num_envs', which the class names"),
        (BARE.replace('("discrete",)', "kinds()"), "Bare", "does not say its action_kinds in a form that can be read"),
        (BARE + "    optimizer_kind: ClassVar = 'lion'\n", "Bare", "the optimizer_kind 'lion'; allowed: adam, sgd"),
        (BARE + "class BareConfig:\n    f: Callable\n", "Bare", "field 'f: Callable' of BareConfig has no default"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_said(load, source, name, message):
    with pytest.raises(UsageProblems) as caught:
        load(source, name)
    assert message in str(caught.value)
    assert str(caught.value).count("argument +algorithms.mine") == 1


def test_settings_are_typed_and_updates_checked(load):
    with pytest.raises(UsageProblems, match="num_minibatches = 5"):
        load(SUBCLASS, "WarmPPO", "algorithms.mine.num_minibatches=5")
    with pytest.raises(UsageProblems, match="did you mean 'warmth'"):
        load(SUBCLASS, "WarmPPO", "algorithms.mine.warmt=1")


def test_choosing_by_its_path_says_how_to_add_it(write_suite):
    with pytest.raises(UsageProblems, match=r"to add your own: \+algorithms\.mine=mine:WarmPPO"):
        load_suite(write_suite(), ["algorithms=mine:WarmPPO"])


@pytest.mark.parametrize(
    ("source", "config"), [("class {name}(PPO):\n    pass\n", "PPOConfig"), (SUBCLASS, "WarmPPOConfig")]
)
def test_it_is_built_with_the_config_that_was_read(tmp_path, monkeypatch, source, config):
    imports = "from memorax.algorithms import PPO, PPOConfig\nfrom collections.abc import Callable\n"
    skipped = ("import does_not_exist", "raise SystemExit")
    text = "\n".join(line for line in source.format(name="WarmPPO").splitlines() if not line.startswith(skipped))
    module = f"built_{config.lower()}"
    (tmp_path / f"{module}.py").write_text(imports + text)
    monkeypatch.syspath_prepend(tmp_path)
    made = build_algorithm_config({"type": f"{module}:WarmPPO", "settings": {"num_envs": 4}}, 0.9)
    assert (type(made).__name__, made.num_envs, made.gamma) == (config, 4, 0.9)
    assert algorithm_config(sys.modules[module].WarmPPO) is type(made)
    read = read_user_algorithm(f"{module}:WarmPPO", load_catalogue().optimizers)
    assert read.config_class.endswith(f":{config}")
    assert read.fields.keys() == {field.name for field in dataclasses.fields(made)} - {"schedule"}
