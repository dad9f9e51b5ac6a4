"""The workloads that libraries are compared on, and what one of them costs: run as a process of its own.

python -m speed.workloads W1                    # one JSON object: steps/s of every turn, compile time, work, memory
python -m speed.workloads W4 --torso mamba2 --separate

Everything is the public agent as a user would make it: float32, default compiler flags, statistics of episodes
recorded, logs spooled, truncation handled, gradients through the whole sequence.
"""

import argparse
import dataclasses
import functools
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import optax

from memorax import lox
from memorax.algorithms import DQN, PPO, R2D2, DQNConfig, PPOConfig, R2D2Config
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import FeatureExtractor, Identity, Network, as_sequence_model, heads
from memorax.registry import SEQUENCE_MODELS, resolve
from memorax_bench.cell.cost import count_flops, parameter_count
from speed import quiet

REPEAT, CART_POLE = "popgym::RepeatPreviousEasy", "gymnax::CartPole-v1"


@dataclass(frozen=True)
class Workload:
    """`make(torso, separate)` -> agent; a call trains `updates` updates of `seeds` seeds at once."""

    what: str
    make: Callable[[str, bool], Any]
    torso: str | None
    updates: int
    seeds: int = 1
    warmup: int = 0  # environment steps acted before, to have what to learn from


def torso_of(name: str, width: int, **options: Any) -> nn.Module:
    """`name` of the registry at its default sizes; `gru:autodiff` is the plain scan."""
    name, _, strategy = name.partition(":")
    module = resolve(SEQUENCE_MODELS[name])
    config = next(field.type for field in dataclasses.fields(module) if field.name == "config")
    cell = module(config=config(features=width, **options))
    torso = as_sequence_model(cell)
    return torso.clone(strategy=strategy) if strategy else torso


def network(torso: nn.Module, head: nn.Module, *widths: int, activation: Callable = nn.relu) -> Network:
    """Layers of the observation alone, the torso, a linear head."""
    layers = [layer for width in widths for layer in (nn.Dense(width), activation)]
    return Network(FeatureExtractor(observation_extractor=nn.Sequential(layers)), torso, head)


def _environment(name: str) -> tuple[Any, Any]:
    env, env_params = make(name)
    return RecordEpisodeStatistics(env), env_params


def _adam(rate: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(0.5), optax.adam(rate, eps=1e-5))


def ppo(width: int, envs: int, length: int, torso: str, separate: bool, rate: float = 2.5e-4, parts: int = 8) -> PPO:
    """On RepeatPreviousEasy: one layer, the torso, linear heads; 4 epochs of 8 minibatches."""
    config = PPOConfig(num_envs=envs, num_steps=length, num_minibatches=parts, update_epochs=4)
    actor = network(torso_of(torso, width), heads.Categorical(action_dim=4), width)
    critic = network(torso_of(torso, width), heads.VNetwork(), width) if separate else heads.VNetwork()
    return PPO(config, *_environment(REPEAT), actor, critic, _adam(rate), *[_adam(rate)] * separate)


def feed_forward_ppo(torso: str, separate: bool) -> PPO:
    """On CartPole: two networks of two layers of 64."""
    config = PPOConfig(num_envs=64, num_steps=128, num_minibatches=8, update_epochs=4)
    body = as_sequence_model(Identity())
    actor = network(body, heads.Categorical(action_dim=2), 64, 64, activation=nn.tanh)
    critic = network(body, heads.VNetwork(), 64, 64, activation=nn.tanh)
    return PPO(config, *_environment(CART_POLE), actor, critic, _adam(2.5e-4), _adam(2.5e-4))


def dqn(widths: tuple[int, ...], torso: str, separate: bool) -> DQN:
    """On CartPole, without memory: a gradient step of 64 transitions for each step of 10 environments."""
    config = DQNConfig(
        num_envs=10, num_steps=1, period=1, buffer_size=10_000, learning_starts=1_000, batch_size=64,
        sequence_length=1, target_period=50, epsilon_steps=25_000, double=False,
    )  # fmt: skip
    values = network(as_sequence_model(Identity()), heads.DiscreteQNetwork(action_dim=2), *widths)
    return DQN(config, *_environment(CART_POLE), values, optax.adam(2.5e-4))


def r2d2(torso: str, separate: bool) -> R2D2:
    """On RepeatPreviousEasy: a GRU of 256; a gradient step of 32 windows of 10 + 30 steps a step of 16 environments."""
    config = R2D2Config(
        num_envs=16, num_steps=1, period=1, buffer_size=50_000, learning_starts=2_000, batch_size=32,
        sequence_length=30, burn_in=10, n_step=1, gradient_steps=1,
    )  # fmt: skip
    values = network(torso_of(torso, 256), heads.DiscreteQNetwork(action_dim=4), 256)
    return R2D2(config, *_environment(REPEAT), values, optax.adam(2.5e-4))


part = functools.partial
WORKLOADS = {
    "W1": Workload("PPO, 64 environments x 128 steps, width 256", part(ppo, 256, 64, 128), "gru", 2),
    "W2": Workload("PPO, 16 environments x 128 steps, width 64", part(ppo, 64, 16, 128), "gru", 16),
    "W3": Workload("PPO, 64 environments x 128 steps, width 64, 4 seeds", part(ppo, 64, 64, 128), "gru", 4, seeds=4),
    "W4": Workload("PPO, 64 environments x 128 steps, width 256", part(ppo, 256, 64, 128), "lru", 2),
    "W4b": Workload("PPO, 16 environments x 1024 steps, width 256", part(ppo, 256, 16, 1024), "lru", 1),
    "W5": Workload("PPO, CartPole, MLPs 64-64, 64 environments x 128 steps", feed_forward_ppo, None, 50),
    "DQN": Workload("DQN, CartPole, MLP 120-84", part(dqn, (120, 84)), None, 5000, warmup=1_000),
    "DQN64": Workload("DQN, CartPole, MLP 64-64", part(dqn, (64, 64)), None, 5000, warmup=1_000),
    "R2D2": Workload("R2D2, GRU 256, 32 windows of 40 steps a gradient step", r2d2, "gru", 100, warmup=4_000),
}


def measure(workload: Workload, torso: str, separate: bool, turns: int, patience: int) -> dict[str, Any]:
    """What it costs. Compiling is timed cold, apart from running; a turn is one call after one that does not count."""
    agent = workload.make(torso, separate)
    steps = workload.updates * agent.config.num_envs * agent.config.num_steps
    keys = jax.random.split(jax.random.key(0), workload.seeds)
    train = lox.spool(lambda key, state: agent.train(key, state, steps))
    begin = time.perf_counter()
    state = jax.jit(jax.vmap(agent.init))(keys)
    if workload.warmup:
        state = jax.jit(jax.vmap(lambda key, state: agent.warmup(key, state, workload.warmup)))(keys, state)
    jax.block_until_ready(state)
    init_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    traced = jax.jit(jax.vmap(train), donate_argnums=1).trace(keys, state)
    lowered = traced.lower()
    traced_at = time.perf_counter()
    program = lowered.compile()
    compiled_at = time.perf_counter()
    held = [state]

    def call() -> None:
        held[0] = jax.block_until_ready(program(keys, held[0])[0])

    taken = quiet.turns(call, turns, patience)
    total = steps * workload.seeds
    params = jax.eval_shape(agent.init, keys[0]).params
    return {
        "what": workload.what,
        "torso": torso if workload.torso else None,
        "torsos": (2 if separate else 1) if workload.torso else None,
        "steps_per_s": [total / seconds for seconds in taken.seconds],
        "others": taken.others,
        "cores": taken.cores,
        "init_s": init_seconds,
        "trace_s": traced_at - begin,
        "compile_s": compiled_at - traced_at,
        "flops_per_step": count_flops(traced.jaxpr) / total,
        "parameters": parameter_count(params),
        "temporary_bytes": program.memory_analysis().temp_size_in_bytes,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "matmul": {name: quiet.matmul_rate(*shape) for name, shape in quiet.SHAPES.items()},
    }


def forward_flops(width: int, observation: int, actions: int) -> int:
    """Of one step of W1's network by hand: one layer, a GRU, two linear heads; products only."""
    return 2 * (observation * width + 2 * 3 * width * width + width * (actions + 1))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--torso", metavar="NAME", help="of the registry, in place of the workload's own")
    parser.add_argument("--separate", action="store_true", help="actor and critic have a torso each")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--patience", type=int, default=quiet.PATIENCE, help="turns tried for each that is wanted")
    chosen = parser.parse_args(arguments)
    workload = WORKLOADS[chosen.workload]
    found = measure(workload, chosen.torso or workload.torso or "", chosen.separate, chosen.turns, chosen.patience)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
