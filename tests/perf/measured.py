"""What pytest-benchmark measures: the programs of bench/speed/programs.py, three more, and slower ones to notice."""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from memorax import lox
from speed import programs, steady
from speed.programs import PROGRAMS
from speed.steady import Program

EPISODES, ROWS = 64, 1024
SMALL = {"num_envs": 8, "num_steps": 64}  # of PPO where slowdowns are planted: one update


@functools.cache
def program(name: str) -> Program:
    """By its name in programs.py, or in `MORE`."""
    return MORE[name]() if name in MORE else steady.build(PROGRAMS[name])


def _evaluation() -> Program:
    """Whole episodes of a fresh agent, each in an environment of its own."""
    agent = programs.agent("ppo")
    steps = EPISODES * agent.env.max_episode_steps(agent.env_params)
    state = jax.jit(agent.init)(jax.random.key(0))
    return Program(lambda key, state: agent.evaluate(key, state, EPISODES), (jax.random.key(1), state), steps)


def _logging(spooled: bool) -> Program:
    """Updates that do next to nothing and log eight values each: spooled or not, the difference is what it costs."""

    def update(x: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
        x = x * 0.9 + jax.random.normal(key, x.shape)
        lox.log({f"x/{i}": x[i] for i in range(8)})
        return x, None

    def updates(keys: jax.Array) -> jax.Array:
        return lox.scan(update, jnp.zeros(8), keys)[0]

    keys = jax.random.split(jax.random.key(0), ROWS)
    return Program(lox.spool(updates) if spooled else updates, (keys,), ROWS)


MORE = {
    "evaluate/ppo": _evaluation,
    "lox/silent": functools.partial(_logging, spooled=False),
    "lox/spooled": functools.partial(_logging, spooled=True),
}


# --- planted slowdowns ---


@functools.cache
def gru_gradient(passes: int = 1) -> Program:
    """`gradient/gru`, its sequence read `passes` times over."""
    torso = programs.torso("gru")
    _, arguments = PROGRAMS["gradient/gru"].make()

    def loss(params: Any, x: jax.Array, start: jax.Array, carry: Any) -> jax.Array:
        for _ in range(passes):
            x = torso.apply(params, x, start, carry)[1]
        return (x**2).mean()

    return Program(jax.grad(loss, (0, 1)), arguments, 1)


@functools.cache
def ppo_update(**settings: int) -> Program:
    """One small update of PPO with a GRU: a rollout and the epochs of learning from it."""
    agent = programs.agent("ppo", **SMALL, **settings)
    state, steps = jax.jit(agent.init)(jax.random.key(0)), SMALL["num_envs"] * SMALL["num_steps"]
    return Program(lambda key, state: agent.train(key, state, steps), (jax.random.key(1), state), steps)
