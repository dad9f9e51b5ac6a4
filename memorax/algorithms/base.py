"""What every algorithm is: a frozen Config, a complete State, and methods that are functions of them."""

import abc
import functools
import math
from typing import Any, ClassVar

import jax

from memorax import lox
from memorax.algorithms.acting import (
    Outcome,
    Timestep,
    first_timestep,
    network_inputs,
    step_environments,
    to_space,
)
from memorax.algorithms.checks import check_count, check_same_spaces
from memorax.algorithms.evaluation import Evaluation, evaluate_episodes
from memorax.algorithms.statistics import Statistics, normalize_observation
from memorax.environments.types import Environment
from memorax.networks.types import Carry, Inputs

State = Any  # a pytree with at least: step, params, env_state, timestep, carry, statistics


class Algorithm(abc.ABC):
    """Abstract. A call modifies nothing: methods take and return states, consume their key, are compiled once for
    each number of steps, and may be transformed by `jax.vmap` (over seeds)."""

    action_kinds: ClassVar[tuple[str, ...]]  # what it can act in: "discrete", "multi_discrete", "continuous"
    roles: ClassVar[tuple[str, ...]]  # of the networks it is made with: "policy", "value", "action_values", ...
    optimizer_kind: ClassVar[str] = "adam"  # what it usually learns with, "adam" or "sgd"
    update_size: ClassVar[tuple[str, ...]] = ("num_envs", "num_steps")  # their product: environment steps of an update
    divides: ClassVar[dict[str, str]] = {}  # field of the Config -> the field that it has to divide
    replays: ClassVar[bool] = True  # learns from what it acted before, and logs "replay/error": how far that is off

    def __init__(self, config: Any, env: Environment, env_params: Any):
        self.config, self.env, self.env_params = config, env, env_params
        self.observation_space, self.action_space = env.observation_space(env_params), env.action_space(env_params)

    @functools.partial(jax.jit, static_argnames=("self",))
    def init(self, key: jax.Array) -> State:
        """Fresh parameters, environments and memory."""
        params_key, env_key = jax.random.split(key)
        reset = jax.vmap(self.env.reset, in_axes=(0, None))
        observation, env_state = reset(jax.random.split(env_key, self.config.num_envs), self.env_params)
        return self._initial_state(params_key, env_state, first_timestep(observation, self.action_space))

    @functools.partial(lox.jit, static_argnames=("self", "num_steps"))
    def warmup(self, key: jax.Array, state: State, num_steps: int) -> State:
        """Act without learning for at least `num_steps` environment steps, in whole rollouts; statistics of
        observations and rewards are gathered."""
        keys = jax.random.split(key, self._updates(num_steps))
        return jax.lax.scan(lambda state, key: (self._act_only(state, key), None), state, keys)[0]

    @functools.partial(lox.jit, static_argnames=("self", "num_steps"))
    def train(self, key: jax.Array, state: State, num_steps: int) -> State:
        """Act and learn for at least `num_steps` environment steps: rounded up to whole updates; `state.step` tells
        the true number. Logs one row an update."""
        keys = jax.random.split(key, self._updates(num_steps))
        return lox.scan(self._update, state, keys)[0]

    @abc.abstractmethod
    def decide(self, key: jax.Array, state: State) -> tuple[Carry, Any, Any]:
        """In training, at the present timestep of every environment -> (memory after it, action as the policy draws it,
        all that the networks said of it: log-probabilities, values), leaves [num_envs, ...]."""

    def act(
        self, key: jax.Array, state: State, timestep: Timestep, carry: Carry, deterministic: bool = False
    ) -> tuple[Carry, Any]:
        """In evaluation, one timestep of B environments -> (memory after it, actions as their space has them), leaves
        [B, ...]; `state` is only read."""
        carry, drawn = self._draw(key, state, timestep, carry, deterministic)
        return carry, to_space(self.action_space, drawn)

    def evaluate(
        self,
        key: jax.Array,
        state: State,
        num_episodes: int,
        *,
        env: Environment | None = None,
        env_params: Any = None,
        deterministic: bool = False,
    ) -> Evaluation:
        """Whole episodes in environments of their own, with a fresh memory; `state` is only read.

        env, env_params: another environment with equal spaces, to test how far the agent extrapolates
        deterministic: take the best action instead of acting as in training
        """
        check_count("num_episodes", num_episodes)
        env = self.env if env is None else env
        env_params = self.env_params if env_params is None else env_params
        check_same_spaces(self.observation_space, self.action_space, env, env_params)
        limit = env.max_episode_steps(env_params)
        return self._evaluate(key, state, env_params, limit, num_episodes, env, deterministic)

    @functools.partial(lox.jit, static_argnames=("self", "num_episodes", "env", "deterministic"))
    def _evaluate(self, key, state, env_params, limit, num_episodes, env, deterministic) -> Evaluation:
        def act(key: jax.Array, timestep: Timestep, carry: Carry) -> tuple[Carry, Any]:
            return self.act(key, state, timestep, carry, deterministic)

        carry = self.networks.initialize_carry(num_episodes)
        return evaluate_episodes(key, act, carry, env, env_params, self.action_space, limit, num_episodes)

    @abc.abstractmethod
    def _initial_state(self, key: jax.Array, env_state: Any, timestep: Timestep) -> State:
        """The state before the first step of `num_envs` environments."""

    @abc.abstractmethod
    def _act_only(self, state: State, key: jax.Array) -> State:
        """As much acting as an update does, without learning."""

    @abc.abstractmethod
    def _update(self, state: State, key: jax.Array) -> tuple[State, None]:
        """Acting and learning; logs one row."""

    @abc.abstractmethod
    def _draw(
        self, key: jax.Array, state: State, timestep: Timestep, carry: Carry, deterministic: bool
    ) -> tuple[Carry, Any]:
        """One timestep, leaves [B, ...] -> (carry, action as the policy draws it)."""

    def _interact(self, key: jax.Array, state: State, carry: Carry, drawn: Any) -> tuple[State, Outcome]:
        """One step of every environment with the action drawn; `carry` is the memory after the present timestep."""
        action = to_space(self.action_space, drawn)
        observation, env_state, *rest = step_environments(key, self.env, self.env_params, state.env_state, action)
        outcome = Outcome(action, *rest)
        timestep = Timestep(observation, outcome.done, action, outcome.reward)
        return state.replace(env_state=env_state, timestep=timestep, carry=carry), outcome

    def _updates(self, num_steps: int) -> int:
        check_count("num_steps", num_steps)
        return math.ceil(num_steps / math.prod(getattr(self.config, name) for name in self.update_size))

    def _inputs(self, statistics: Statistics, timestep: Timestep) -> Inputs:
        seen = timestep.replace(observation=normalize_observation(statistics, timestep.observation))
        return network_inputs(seen, self.observation_space, self.action_space)
