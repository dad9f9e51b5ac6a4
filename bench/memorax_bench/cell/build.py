"""From a resolved cell to an agent: plain data in, the library's objects out."""

import dataclasses
import math
import sys
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax

from memorax.algorithms.acting import first_timestep, network_inputs, single_step
from memorax.environments import make
from memorax.environments.spaces import Box, Discrete, MultiDiscrete, Space
from memorax.environments.wrappers.record_episode_statistics import RecordEpisodeStatistics
from memorax.networks import heads
from memorax.networks.feature_extractors import FeatureExtractor, Identity
from memorax.networks.network import Network
from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Head, SequenceModel
from memorax.registry import ALGORITHMS, SEQUENCE_MODELS, resolve
from memorax_bench.cell.optimizers import OPTIMIZERS, OptimizerConfig


@dataclasses.dataclass(frozen=True)
class Experiment:
    """An agent and what the harness has to know of it.

    The learning rate is not compiled in: it goes into the initial state, so that a sweep over it compiles once.
    """

    agent: Any
    torso: SequenceModel
    torso_inputs: int  # width of the features that the torso reads
    elsewhere: Mapping[str, tuple[Any, Any]]  # label -> environment and params of an extrapolation


def build(config: Mapping[str, Any]) -> Experiment:
    """The agent of a resolved cell (`Cell.config`). Raises `ValueError` where the library refuses a setting."""
    env, env_params = make(config["task"]["id"], **config["task"]["kwargs"])
    env = RecordEpisodeStatistics(env)
    algorithm = build_algorithm(config["algorithm"])
    optimizer = build_optimizer_config(config["algorithm"])
    torso = build_torso(config["torso"])
    extractor = feature_extractor(config["network"], config["torso"]["inputs"])

    def network(head: nn.Module) -> Network:
        return Network(extractor, torso, head)

    action_space, share = env.action_space(env_params), config["network"]["share_torso"]
    networks = {
        "policy": lambda: network(policy_head(action_space)),
        "value": lambda: heads.VNetwork() if share else network(heads.VNetwork()),
        "action_values": lambda: network(action_value_head(action_space)),
        "bounded_policy": lambda: network(policy_head(action_space, bounded=True)),
        "twin_values": lambda: network(heads.Twin(action_value_head(action_space))),  # never in the actor's torso
    }
    agent = algorithm(
        build_algorithm_config(config["algorithm"], config["protocol"]["discount"]),
        env,
        env_params,
        *(networks[role]() for role in algorithm.roles),
        optimizer.make(),
    )
    elsewhere = {label: make(config["task"]["id"], **kwargs) for label, kwargs in extrapolations(config).items()}
    return Experiment(agent, torso, feature_width(extractor, env, env_params), elsewhere)


def extrapolations(config: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """label -> options of the task, for each place in which the trained agent is tested besides its own."""
    return config["task"].get("extrapolate", {})


def learning_rate(config: Mapping[str, Any]) -> float:
    """Of a resolved cell: the one setting that is an input of the compiled program."""
    return build_optimizer_config(config["algorithm"]).learning_rate


def policy_head(space: Space, bounded: bool = False) -> Head:
    """The head that draws actions of this space; `bounded`: none outside of it, which would have to be clipped."""
    match space:
        case Discrete():
            return heads.Categorical(action_dim=space.n)
        case MultiDiscrete():
            return heads.MultiCategorical(action_dims=space.nvec)
        case Box():
            kind = heads.SquashedGaussian if bounded else heads.Gaussian
            return kind(action_dim=math.prod(space.shape))
    raise ValueError(f"no head for the action space {space}; there is one for Discrete, MultiDiscrete and Box")


def action_value_head(space: Space) -> Head:
    """The head that values actions of this space: each where they are discrete, else a given one."""
    return heads.DiscreteQNetwork(action_dim=space.n) if isinstance(space, Discrete) else heads.ContinuousQNetwork()


def build_algorithm(algorithm: Mapping[str, Any]) -> type:
    """The class of a resolved algorithm."""
    return resolve(ALGORITHMS.get(algorithm["type"], algorithm["type"]))


def build_algorithm_config(algorithm: Mapping[str, Any], discount: float) -> Any:
    """Its config: those of its settings that are not the optimizer's, and the protocol's discount."""
    kind = build_algorithm(algorithm)
    others = _settings_of(OPTIMIZERS[kind.optimizer_kind])
    settings = {name: value for name, value in algorithm["settings"].items() if name not in others}
    return algorithm_config(kind)(gamma=discount, **settings)


def algorithm_config(kind: type) -> type:
    """`<Class>Config`, beside the class or beside the nearest class that it derives from."""
    places = ((sys.modules[base.__module__], f"{base.__name__}Config") for base in kind.__mro__)
    return next(vars(module)[name] for module, name in places if name in vars(module))


def build_optimizer_config(algorithm: Mapping[str, Any]) -> OptimizerConfig:
    """The rest of its settings."""
    config = OPTIMIZERS[build_algorithm(algorithm).optimizer_kind]
    settings = algorithm["settings"]
    return config(**{name: settings[name] for name in _settings_of(config) if name in settings})


def _settings_of(config: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(config))


def build_torso(torso: Mapping[str, Any]) -> SequenceModel:
    """A registered torso, or a user's class, with its settings: `Cell(config=CellConfig(...))` where the class takes
    a config, else `Cell(...)`."""
    module = resolve(SEQUENCE_MODELS.get(torso["type"], torso["type"]))
    # A config is a constant of the compiled program: it must be hashable, which a list is not.
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in torso["settings"].items()}
    config = config_class(module)
    return as_sequence_model(module(**settings) if config is None else module(config=config(**settings)))


def config_class(module: type) -> type | None:
    """The class of a torso's `config`; None where its settings are fields of its own."""
    config = {field.name: field.type for field in dataclasses.fields(module)}.get("config")
    # A string where the module postpones the evaluation of its annotations.
    return resolve(f"{module.__module__}:{config}") if isinstance(config, str) else config


def feature_extractor(network: Mapping[str, Any], inputs: list[str]) -> FeatureExtractor:
    """relu layers of the `encoder` widths on the observation; a linear embedding of width `embed` of the previous
    action and of the previous reward; the start flag as it is. What is not in `inputs` is not fed."""
    orthogonal = nn.initializers.orthogonal(2**0.5)
    layers = [(nn.Dense(width, kernel_init=orthogonal), nn.relu) for width in network["encoder"]]
    return FeatureExtractor(
        observation_extractor=nn.Sequential([Flatten(), *(part for layer in layers for part in layer)]),
        action_extractor=nn.Dense(network["embed"]) if "previous_action" in inputs else None,
        reward_extractor=nn.Dense(network["embed"]) if "previous_reward" in inputs else None,
        start_extractor=Identity() if "start" in inputs else None,
    )


class Flatten(nn.Module):
    """[B, T, ...] -> [B, T, F]."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return x.reshape(*x.shape[:2], -1)


def feature_width(extractor: FeatureExtractor, env: Any, env_params: Any) -> int:
    """Width of the features that the torso reads."""
    observation_space, action_space = env.observation_space(env_params), env.action_space(env_params)
    timestep = first_timestep(observation_space.zeros((1,)), action_space)

    def features(key: jax.Array) -> jax.Array:
        return extractor.init_with_output(key, single_step(network_inputs(timestep, observation_space, action_space)))[
            0
        ]

    return jax.eval_shape(features, jax.random.key(0)).shape[-1]
