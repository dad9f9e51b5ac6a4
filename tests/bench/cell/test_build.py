"""From plain data to agents: every cell of the shipped suites, users' own torsos, and what is refused."""

import functools
import importlib
import itertools

import jax
import pytest

from fixtures.agents import SETTINGS
from memorax.networks import RNN, GRUCell, Memoroid, SequenceModelWrapper
from memorax.networks.sequence_models.base import wrapper_of
from memorax.networks.types import SequenceModel
from memorax.registry import SEQUENCE_MODELS, resolve
from memorax_bench.cell.build import build, learning_rate
from memorax_bench.cell.runner import trace
from memorax_bench.suite.load import load_suite, shipped_suites

WRAPPED = {"rnn": RNN, "memoroid": Memoroid, "memoryless": SequenceModelWrapper, None: SequenceModel}


def smoke(*overrides):
    (cell,) = load_suite("smoke", ["tasks=higher-lower", *overrides]).cells
    return cell.config


def torso_cell(name, *overrides):
    return smoke(f"+torsos.t={{type: {name}, features: 16}}", "torsos=t", *overrides)


@pytest.mark.parametrize("name", shipped_suites())
def test_every_cell_of_a_shipped_suite_builds(name):
    seen = set()
    for cell in load_suite(name).cells:
        kind = cell.config["torso"]["type"]
        task = cell.config["task"]["id"] if kind == "mlp" else cell.config["task"]["id"].rpartition("::")[0]
        if (kind, task) in seen:
            continue  # every task once, every torso once a library
        seen.add((kind, task))
        built = build(cell.config)
        assert built.agent.config.gamma == cell.config["protocol"]["discount"]
        assert learning_rate(cell.config) == cell.config["algorithm"]["settings"]["learning_rate"]


@pytest.mark.parametrize("share", ["true", "false"])
@pytest.mark.parametrize("name", SEQUENCE_MODELS)
def test_every_torso_shared_and_not(name, share):
    settings = [f"torsos.t.{setting}={value}" for setting, value in SETTINGS.get(name, {}).items()]
    built = build(torso_cell(name, f"network.share_torso={share}", *settings))
    assert isinstance(built.torso, WRAPPED[wrapper_of(resolve(SEQUENCE_MODELS[name]))])
    state = jax.eval_shape(built.agent.init, jax.random.key(0))
    assert len(jax.tree.leaves(state.params)) > 0
    shared = type(built.agent.networks).__name__ == "SharedTorso"
    assert shared == (share == "true")


@pytest.mark.parametrize("task", ["popgym::HigherLowerEasy", "gymnax::Pendulum-v1"])
def test_sac_has_two_memories_in_discrete_and_in_continuous_spaces(task):
    """Also where the suite lets a critic read its actor's torso: SAC's cannot."""
    added = f"+tasks.t={{id: '{task}', task_version: 1, family: T, hard_min: -5000, hard_max: 1, floor: -1}}"
    (cell,) = load_suite(
        "smoke", [added, "tasks=t", "+algorithms.sac={learning_starts: 1024}", "algorithms=sac", "torsos=gru"]
    ).cells
    assert cell.config["network"]["share_torso"]
    state = jax.eval_shape(build(cell.config).agent.init, jax.random.key(0))
    assert {"actor", "critic"} == set(state.carry) == set(state.params) - {"log_temperature"}


USERS = {
    "flax cell": (
        """
class Cell(nn.RNNCellBase):
    features: int
    scale: float = 1.0
    num_feature_axes = 1
    @nn.compact
    def __call__(self, carry, x):
        carry = nn.tanh(nn.Dense(self.features)(x) + self.scale * carry)
        return carry, carry
    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        return jnp.zeros((*input_shape[:-1], self.features))
""",
        RNN,
    ),
    "memoroid": (
        """
@dataclasses.dataclass(frozen=True)
class SumConfig:
    features: int
    rates: tuple[float, ...] = (0.5, 0.9)
class Cell(MemoroidCell):
    config: SumConfig
    def setup(self):
        self.dense = nn.Dense(self.config.features)
    def initial_window(self, batch): return ()
    def initial_state(self, batch): return jnp.zeros((batch, self.config.features))
    def lift(self, x, start, window): return window, self.dense(x), ()
    def step(self, state, element): return self.config.rates[0] * state + element
    def read(self, state, context): return state
    def project(self, readout, context): return readout
""",
        Memoroid,
    ),
    "sequence model": (
        """
class Cell(SequenceModel):
    features: int = 3
    @nn.nowrap
    def initialize_carry(self, batch): return ()
    @nn.compact
    def __call__(self, x, start, carry): return carry, nn.Dense(self.features)(x)
""",
        SequenceModel,
    ),
    "memoryless": (
        """
class Cell(nn.Module):
    features: int
    widths: tuple[int, ...] = (4, 5)
    @nn.compact
    def __call__(self, x):
        for width in self.widths:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.features)(x)
""",
        SequenceModelWrapper,
    ),
}
HEADER = """
import dataclasses
import flax.linen as nn
import jax.numpy as jnp
from memorax.networks.types import MemoroidCell, SequenceModel
"""
_numbers = itertools.count()


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """Writes a module of a new name where it is found, and returns the name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        name = f"user_torso_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return name

    return write


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"], ids=["", "postponed"])
@pytest.mark.parametrize(("source", "wrapper"), USERS.values(), ids=USERS)
def test_a_torso_of_the_users_own(user_module, source, wrapper, future):
    name = user_module(future + HEADER + source)
    built = build(torso_cell(f"{name}:Cell", "torsos.t.features=6"))
    assert isinstance(built.torso, wrapper)
    x, start = jax.ShapeDtypeStruct((2, 5, built.torso_inputs), "float32"), jax.ShapeDtypeStruct((2, 5), bool)
    carry = jax.eval_shape(functools.partial(built.torso.initialize_carry, 2))
    (_, y), _ = jax.eval_shape(built.torso.init_with_output, jax.random.key(0), x, start, carry)
    assert y.shape == (2, 5, 6)


@pytest.mark.parametrize(
    ("kind", "setting"), [("memoroid", "rates=[0.25]"), ("memoryless", "widths=[3]")], ids=["config", "field"]
)
def test_a_list_of_the_suite_is_a_constant_of_the_program(user_module, kind, setting):
    """The gates hash the torso, and so does flax: a list could not be."""
    name = user_module(HEADER + USERS[kind][0])
    built = build(torso_cell(f"{name}:Cell", f"torsos.t.{setting}"))
    assert isinstance(hash(built.torso), int)
    assert str(setting.partition("=")[2].strip("[]")) in str(built.torso)


@pytest.mark.parametrize(
    ("inputs", "width"),
    [
        ("[observation]", 16),
        ("[observation, start]", 16 + 1),
        ("[observation, previous_action]", 16 + 8),
        ("[observation, previous_reward]", 16 + 8),
        ("[observation, previous_action, previous_reward, start]", 16 + 8 + 8 + 1),
    ],
)
def test_inputs_switch_extractors(inputs, width):
    """The encoder is [16] and the embedding 8; the start flag is fed as it is."""
    assert build(smoke("torsos=gru", f"protocol.inputs={inputs}")).torso_inputs == width


def test_network_sizes():
    built = build(smoke("torsos=gru", "network.encoder=[32,24]", "network.embed=4"))
    assert built.torso_inputs == 24 + 4 + 1


def test_settings_arrive():
    built = build(
        smoke("torsos=gru", "protocol.discount=0.9", "algorithms.ppo.gae_lambda=0.5", "algorithms.ppo.num_envs=4")
    )
    config = built.agent.config
    assert (config.gamma, config.gae_lambda, config.num_envs) == (0.9, 0.5, 4)
    assert isinstance(built.torso.cell, GRUCell)
    assert built.torso.cell.config.features == 16


def test_a_learning_rate_is_an_input_of_the_program():
    cells = [smoke("torsos=mlp", f"algorithms.ppo.learning_rate={rate}") for rate in ("1e-3", "3e-4")]
    assert [learning_rate(cell) for cell in cells] == [1e-3, 3e-4]
    programs = [trace(cell, 2) for cell in cells]
    assert programs[0].program_hash == programs[1].program_hash


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+torsos.mamba2.head_dim=5"], "head_dim = 5; use head_dim=1"),
        (["torsos=gru", "algorithms.ppo.clip_coefficient=-1"], "clip_coefficient = -1.0 must be greater than 0"),
        (["torsos=gru", "algorithms.ppo.learning_rate=0"], "learning_rate = 0.0 must be greater than 0"),
        (["torsos=gru", "algorithms.ppo.max_grad_norm=-1"], "max_grad_norm = -1.0 must be greater than 0"),
    ],
)
def test_what_the_library_refuses_is_a_value_error(overrides, message):
    if overrides[0].startswith("+"):
        overrides = ["+torsos.mamba2={features: 16}", "torsos=mamba2", overrides[0].removeprefix("+")]
    with pytest.raises(ValueError, match=message):
        build(smoke(*overrides))
