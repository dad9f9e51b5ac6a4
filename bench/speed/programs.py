"""What is measured: every program by name, small enough for two cores, built from the public interface alone, because
today's measurements run on yesterday's code. Who measures decides how: asv, pytest-benchmark, the gate."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from memorax import algorithms, buffers
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import FeatureExtractor, Identity, Network, as_sequence_model, heads
from memorax.registry import SEQUENCE_MODELS, resolve

FEATURES = 64  # width of inputs and of every torso
BATCH, LENGTH = 16, 128  # of the sequences that torsos read
TASK, CONTROL = "popgym::RepeatPreviousEasy", "gymnax::Pendulum-v1"
ENVIRONMENTS = (TASK, "popgym::HigherLowerEasy", "popgym::BattleshipEasy", "gymnax::CartPole-v1")


@dataclass(frozen=True)
class Benchmark:
    """`make()` -> (function, its arguments): pure, to be compiled. A call does `steps` steps of environments."""

    make: Callable[[], tuple[Callable, tuple]]
    steps: int


# --- torsos ---


def torso(name: str) -> nn.Module:
    """A registered torso at its default sizes."""
    module = resolve(SEQUENCE_MODELS[name])
    config = next(field.type for field in dataclasses.fields(module) if field.name == "config")
    return as_sequence_model(module(config=config(features=FEATURES)))


def _sequence(name: str, length: int) -> tuple[nn.Module, tuple]:
    """-> (torso, (parameters, x, start, carry)); an episode begins at one step in 64."""
    body = torso(name)
    x_key, start_key, params_key = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(x_key, (BATCH, length, FEATURES))
    start = jax.random.bernoulli(start_key, 1 / 64, (BATCH, length))
    params = jax.jit(body.init)(params_key, x[:1, :1], start[:1, :1], body.initialize_carry(1))
    return body, (params, x, start, body.initialize_carry(BATCH))


def _forward(name: str, length: int) -> tuple[Callable, tuple]:
    body, arguments = _sequence(name, length)
    return body.apply, arguments


def _gradient(name: str) -> tuple[Callable, tuple]:
    body, arguments = _sequence(name, LENGTH)
    return jax.grad(lambda *inputs: (body.apply(*inputs)[1] ** 2).mean(), (0, 1)), arguments


# --- environments ---

COPIES, MOVES = 256, 256


def _random_play(name: str) -> tuple[Callable, tuple]:
    """Many copies at once under a random policy, over the ends of episodes."""
    env, env_params = make(name)
    actions = env.action_space(env_params)

    def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        action_keys, step_keys = jax.random.split(key, (2, COPIES))
        action = jax.vmap(actions.sample)(action_keys)
        stepped = jax.vmap(env.step, (0, 0, 0, None))(step_keys, state, action, env_params)
        return stepped[1], (stepped[0], stepped[2])

    def play(key: jax.Array) -> Any:
        reset_key, key = jax.random.split(key)
        state = jax.vmap(env.reset, (0, None))(jax.random.split(reset_key, COPIES), env_params)[1]
        return jax.lax.scan(step, state, jax.random.split(key, MOVES))

    return play, (jax.random.key(0),)


# --- algorithms ---


def network(head: nn.Module, body: nn.Module | None = None) -> Network:
    """One layer, a GRU unless said otherwise, and a head; the previous action and the start are told."""
    extractor = FeatureExtractor(
        observation_extractor=nn.Sequential((nn.Dense(FEATURES), nn.relu)),
        action_extractor=nn.Dense(FEATURES),
        start_extractor=Identity(),
    )
    return Network(extractor, torso("gru") if body is None else body, head)


def _task(name: str) -> tuple[Any, Any]:
    env, env_params = make(name)
    return RecordEpisodeStatistics(env), env_params


ACTING = {"num_envs": 16, "num_steps": 128}
REPLAYING = {
    "num_envs": 16, "num_steps": 16, "period": 8, "buffer_size": 16_384, "learning_starts": 1024, "batch_size": 16,
    "sequence_length": 32, "burn_in": 8, "gradient_steps": 4,
}  # fmt: skip


def agent(name: str, **settings: Any) -> Any:
    """An agent of every algorithm: a GRU on RepeatPreviousEasy, for SAC on Pendulum."""
    cls, config = getattr(algorithms, _CLASSES[name]), getattr(algorithms, f"{_CLASSES[name]}Config")
    adam, plain = optax.adam(1e-3), optax.sgd(1.0)
    value = heads.DiscreteQNetwork(action_dim=4)
    match name:
        case "ppo" | "a2c":
            networks = (network(heads.Categorical(action_dim=4)), heads.VNetwork(), adam)
            given = ACTING
        case "pqn":
            networks, given = (network(value), adam), ACTING
        case "dqn" | "r2d2":
            networks, given = (network(value), adam), REPLAYING
        case "sac":
            policy = network(heads.SquashedGaussian(action_dim=1))
            critic = network(heads.Twin(heads.ContinuousQNetwork(hidden=(FEATURES,))))
            networks, given = (policy, critic, adam, adam), REPLAYING
            return cls(config(**{**given, **settings}), *_task(CONTROL), *networks)
        case "qrc":
            networks, given = (network(value), plain), {"num_envs": 1}
        case "stream_ac":
            policy, critic = network(heads.Categorical(action_dim=4)), network(heads.VNetwork())
            networks, given = (policy, critic, plain, plain), {"num_envs": 1}
    return cls(config(**{**given, **settings}), *_task(TASK), *networks)


_CLASSES = {
    "a2c": "A2C", "dqn": "DQN", "ppo": "PPO", "pqn": "PQN", "qrc": "QRC", "r2d2": "R2D2", "sac": "SAC",
    "stream_ac": "StreamAC",
}  # fmt: skip


TRAINED = {"dqn": 2048, "qrc": 1024, "r2d2": 2048, "sac": 2048, "stream_ac": 1024}  # steps, where it is not 8192


def _train(name: str, steps: int) -> tuple[Callable, tuple]:
    """Whole updates, from a state that is ready to learn."""
    trained = agent(name)
    init_key, warmup_key, key = jax.random.split(jax.random.key(0), 3)
    state = jax.jit(trained.init)(init_key)
    if name in ("dqn", "r2d2", "sac"):
        state = jax.jit(lambda key, state: trained.warmup(key, state, 1024))(warmup_key, state)
    return lambda key, state: trained.train(key, state, steps), (key, state)


# --- buffers ---

TURNS = 64
STORED, WINDOW, BLOCK = 1024, 40, 16  # steps of an environment, of a window, from one carry to the next


def _buffer(prioritised: bool) -> tuple[Any, Any, tuple]:
    shape = {
        "max_length": STORED * BATCH,
        "min_length": 1,
        "sample_batch_size": 32,
        "sample_sequence_length": WINDOW,
        "period": BLOCK,
    }
    made = buffers.make_prioritised_episode_buffer if prioritised else buffers.make_episode_buffer
    buffer = made(add_batch_size=BATCH, **shape)
    transition = {"observation": jnp.zeros(FEATURES), "reward": jnp.float32(0), "start": jnp.bool_(False)}
    carry = jnp.zeros(FEATURES)
    block = jax.tree.map(lambda leaf: jnp.zeros((BATCH, BLOCK, *leaf.shape), leaf.dtype), transition)
    return buffer, jax.jit(buffer.init)(transition, carry), (block, jnp.zeros((BATCH, 1, FEATURES)))


def _add_and_sample(prioritised: bool) -> tuple[Callable, tuple]:
    """As a learner does: a block goes in, four batches of windows come out, with new priorities where there are any."""
    buffer, state, (block, carries) = _buffer(prioritised)

    def learn(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        sample = buffer.sample(state, key)
        if prioritised:
            state = buffer.set_priorities(state, sample.indices, jnp.ones(sample.indices.shape))
        return state, sample.experience["observation"].sum()

    def turn(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        return jax.lax.scan(learn, buffer.add(state, block, carries), jax.random.split(key, 4))

    return lambda state, key: jax.lax.scan(turn, state, jax.random.split(key, TURNS)), (state, jax.random.key(0))


def _programs() -> dict[str, Benchmark]:
    partial, found = functools.partial, {}
    for name in SEQUENCE_MODELS:
        found[f"forward/{name}"] = Benchmark(partial(_forward, name, LENGTH), BATCH * LENGTH)
        found[f"gradient/{name}"] = Benchmark(partial(_gradient, name), BATCH * LENGTH)
        found[f"step/{name}"] = Benchmark(partial(_forward, name, 1), BATCH)
    for name in ENVIRONMENTS:
        found[f"play/{name}"] = Benchmark(partial(_random_play, name), COPIES * MOVES)
    for name in _CLASSES:
        found[f"train/{name}"] = Benchmark(partial(_train, name, TRAINED.get(name, 8192)), TRAINED.get(name, 8192))
    for name in ("uniform", "prioritised"):
        found[f"buffer/{name}"] = Benchmark(partial(_add_and_sample, name == "prioritised"), TURNS * BLOCK * BATCH)
    return found


PROGRAMS = _programs()
