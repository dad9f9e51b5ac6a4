"""What the algorithms share that learn from every step once, when it happens: without replay, batches or rollouts.

Each of B environments is a stream of its own. A step of all of them:

1. the network reads o_t, the action is drawn, and what the network said is kept together with its derivatives;
2. the action is done, and the same parameters value what came of it, from the memory as it stands after o_t;
3. of every stream, the TD error delta_t and the trace z_t = decay_t z_{t-1} + g_t of its gradients make a direction;
4. one step of the optimizer along the mean of the directions; where an episode ended, its trace is cleared, and an
   episode that a time limit cut was valued at its final observation before;
5. the statistics of observations and rewards take in o_t and r_t: the next step is normalised by them.

The memory is data: gradients are those of the present step, with the memory before it held fixed, which is
backpropagation truncated after one step. In this way a recurrence does not learn what to keep for later steps. A torso
within `memorax.networks.RTRL` does: its carry knows what the parameters did to it in the past.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import optax

from memorax.algorithms.acting import EpisodeSums, Outcome, Timestep, episode_sums, log_update, single_step
from memorax.algorithms.base import Algorithm
from memorax.algorithms.statistics import Statistics, initial_statistics, normalize_reward, updated
from memorax.networks.types import Carry, Inputs

Outputs = dict[str, jax.Array]  # what is differentiated, each [B]
Read = Callable[[Any, jax.Array, Inputs, Carry], tuple[Outputs, tuple]]


@flax.struct.dataclass
class StreamingState:
    """Everything that training goes on from."""

    step: jax.Array  # int32, environment steps done
    params: Any
    optimizer_state: Any
    traces: Any  # leaves [num_envs, ...]: of the gradients in each stream's episode so far
    env_state: Any  # leaves [num_envs, ...]
    timestep: Timestep  # what is known before the next action
    carry: Carry  # memory before that timestep is read
    statistics: Statistics  # of observations and rewards, where they are normalised


@dataclasses.dataclass(frozen=True)
class Reading:
    """Of one timestep of every stream, leaves [B, ...]."""

    carry: Carry  # memory after it
    drawn: Any  # the action
    outputs: Outputs
    pull: Callable[[Outputs], Any]  # weights -> of each stream the gradient of its weighted sum of outputs
    rest: tuple = ()  # what else was found


@dataclasses.dataclass(frozen=True)
class Followed:
    """What came of the actions, leaves [B, ...]."""

    timestep: Timestep  # the next one of the same episode, where it is over its final observation
    carry: Carry  # memory before that timestep is read
    reward: jax.Array  # normalised where asked for
    discount: jax.Array  # gamma, or 0 where the episode terminated


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What a step of all streams says; the traces are leaves [B, ...]."""

    gradient: Any  # to descend, like the parameters
    td_error: jax.Array  # [B]
    traces: Any
    metrics: dict[str, jax.Array]  # scalars


class Streaming(Algorithm):
    """Abstract. The Config has num_envs, num_steps, gamma, normalize_observations and normalize_rewards; `networks`
    and `optimizer` are set by the class. `num_steps` steps of each environment are one row of the log."""

    replays: ClassVar = False  # it learns from the very steps it acts
    group: ClassVar[str]  # under which it logs
    networks: Any
    optimizer: optax.GradientTransformationExtraArgs

    @abc.abstractmethod
    def _initial_traces(self, gradients: Any) -> Any:
        """Empty traces; gradients: zeros like the parameters, leaves [num_envs, ...]."""

    @abc.abstractmethod
    def _read(self, key: jax.Array, state: StreamingState) -> Reading:
        """The present timestep of every stream, and an action for it (see `_read_streams`)."""

    @abc.abstractmethod
    def _learn(self, state: StreamingState, reading: Reading, followed: Followed) -> Learnt:
        """From one step of every stream."""

    def _initial_state(self, key: jax.Array, env_state: Any, timestep: Timestep) -> StreamingState:
        config, batch = self.config, self.config.num_envs
        statistics = initial_statistics(
            self.observation_space, batch, config.normalize_observations, config.normalize_rewards
        )
        params = self.networks.init(key, single_step(self._inputs(statistics, timestep)), batch)
        gradients = jax.tree.map(lambda leaf: jnp.zeros((batch, *leaf.shape), leaf.dtype), params)
        return StreamingState(
            step=jnp.int32(0),
            params=params,
            optimizer_state=self.optimizer.init(params),
            traces=self._initial_traces(gradients),
            env_state=env_state,
            timestep=timestep,
            carry=self.networks.initialize_carry(batch),
            statistics=statistics,
        )

    def _act_only(self, state: StreamingState, key: jax.Array) -> StreamingState:
        """Traces are cleared: what was acted here is not learnt from, and what is older has nothing to follow it."""

        def act(state: StreamingState, key: jax.Array) -> tuple[StreamingState, None]:
            action_key, env_key = jax.random.split(key)
            carry, drawn = self._draw(action_key, state, state.timestep, state.carry, deterministic=False)
            after, _ = self._interact(env_key, state, carry, drawn)
            return self._went_on(state, after), None

        state, _ = jax.lax.scan(act, state, jax.random.split(key, self.config.num_steps))
        return state.replace(traces=jax.tree.map(jnp.zeros_like, state.traces))

    def decide(self, key: jax.Array, state: StreamingState) -> tuple[Carry, Any, Any]:
        reading = self._read(key, state)
        return reading.carry, reading.drawn, reading.outputs

    def _update(self, state: StreamingState, key: jax.Array) -> tuple[StreamingState, None]:
        keys = jax.random.split(key, self.config.num_steps)
        state, (metrics, sums) = jax.lax.scan(self._learning_step, state, keys)
        logged = {f"{self.group}__{name}": value.mean() for name, value in metrics.items()}
        log_update(state.step, jax.tree.map(jnp.sum, sums), **logged)
        return state, None

    def _learning_step(self, state: StreamingState, key: jax.Array) -> tuple[StreamingState, tuple[dict, EpisodeSums]]:
        action_key, env_key = jax.random.split(key)
        reading = self._read(action_key, state)
        after, outcome = self._interact(env_key, state, reading.carry, reading.drawn)
        learnt = self._learn(state, reading, self._followed(state, reading.carry, outcome))
        change, optimizer_state = self.optimizer.update(
            learnt.gradient, state.optimizer_state, state.params, td_error=learnt.td_error
        )
        after = after.replace(
            params=optax.apply_updates(state.params, change),
            optimizer_state=optimizer_state,
            traces=self._carried_on(learnt.traces, outcome.done),
        )
        return self._went_on(state, after), (learnt.metrics, episode_sums(outcome.info, outcome.done))

    def _followed(self, state: StreamingState, carry: Carry, outcome: Outcome) -> Followed:
        """The final observation goes on with the episode, with the action and reward that led to it; the reading of it
        is not kept."""
        over = jnp.zeros_like(outcome.done)
        return Followed(
            timestep=Timestep(outcome.info["final_observation"], over, outcome.action, outcome.reward),
            carry=carry,
            reward=normalize_reward(state.statistics, outcome.reward),
            discount=self.config.gamma * ~outcome.terminated,
        )

    def _carried_on(self, traces: Any, done: jax.Array) -> Any:
        """The traces with which the next step begins: none where an episode ended."""
        return jax.tree.map(lambda leaf: jnp.where(per_stream(done, leaf), jnp.zeros_like(leaf), leaf), traces)

    def _went_on(self, before: StreamingState, after: StreamingState) -> StreamingState:
        """Counts and statistics after one step of every environment."""
        seen = jax.tree.map(lambda leaf: leaf[None], before.timestep)
        return after.replace(
            step=before.step + self.config.num_envs,
            statistics=updated(before.statistics, seen, after.timestep, self.config.gamma),
        )

    def _read_streams(self, read: Read, key: jax.Array, state: StreamingState) -> Reading:
        """`read(params, key, inputs, carry)`, of one stream with inputs [1, 1, ...], returns what is differentiated,
        each [1, 1], and (carry, drawn, ...), leaves [1, ...]. One pass forward; `pull` is one pass backward."""
        inputs = single_step(self._inputs(state.statistics, state.timestep))

        def one(key: jax.Array, inputs: Inputs, carry: Carry) -> tuple:
            inputs, carry = jax.tree.map(lambda leaf: leaf[None], (inputs, carry))

            def outputs(params: Any) -> tuple[Outputs, tuple]:
                said, rest = read(params, key, inputs, carry)
                return jax.tree.map(lambda leaf: leaf[0, 0], said), jax.tree.map(lambda leaf: leaf[0], rest)

            return jax.vjp(outputs, state.params, has_aux=True)

        keys = jax.random.split(key, self.config.num_envs)
        said, back, (carry, drawn, *rest) = jax.vmap(one)(keys, inputs, state.carry)
        pull = lambda weights: jax.vmap(lambda back, of_one: back(of_one)[0])(back, weights)  # noqa: E731
        return Reading(carry, drawn, said, pull, tuple(rest))


def per_stream(weight: jax.Array, leaf: jax.Array) -> jax.Array:
    """weight[B] shaped to be multiplied with leaf[B, ...]."""
    return weight.reshape(-1, *[1] * (leaf.ndim - 1))


def accumulated(traces: Any, decay: jax.Array, gradients: Any) -> Any:
    """decay z + g of every stream; decay: [B] or a number."""
    decay = jnp.broadcast_to(decay, jax.tree.leaves(gradients)[0].shape[:1])
    return jax.tree.map(lambda z, g: per_stream(decay, z) * z + g, traces, gradients)


def mean_over_streams(weight: jax.Array, trees: Any) -> Any:
    """The mean of weight[B] times leaves [B, *shape] -> [*shape]."""
    return jax.tree.map(lambda leaf: jnp.tensordot(weight / weight.size, leaf, 1), trees)
