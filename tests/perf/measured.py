"""The two programs that pytest-benchmark measures, as calls that return when the work is done."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memorax.networks import RNN, GRUCell, GRUConfig
from speed.train import make_agent

BATCH, TIME, FEATURES = 16, 256, 64
NUM_ENVS, NUM_STEPS = 8, 64


def compiled(function: Callable, *arguments: Any) -> Callable[[], Any]:
    program = jax.jit(function).lower(*arguments).compile()
    return lambda: jax.block_until_ready(program(*arguments))


@functools.cache
def gru_gradient(passes: int = 1) -> Callable[[], Any]:
    """Forward and backward through a GRU over a sequence, read `passes` times over."""
    torso = RNN(cell=GRUCell(config=GRUConfig(features=FEATURES)))
    x = jax.random.normal(jax.random.key(0), (BATCH, TIME, FEATURES))
    start, carry = jnp.zeros((BATCH, TIME), bool), torso.initialize_carry(BATCH)
    params = jax.jit(torso.init)(jax.random.key(1), x, start, carry)

    def loss(params: Any, x: jax.Array) -> jax.Array:
        for _ in range(passes):
            x = torso.apply(params, x, start, carry)[1]
        return (x**2).mean()

    return compiled(jax.grad(loss), params, x)


@functools.cache
def ppo_update(**settings: int) -> Callable[[], Any]:
    """One update of PPO with a GRU: a rollout and the epochs of learning from it."""
    agent = make_agent(**{"num_envs": NUM_ENVS, "num_steps": NUM_STEPS, **settings})
    state = jax.jit(agent.init)(jax.random.key(0))
    return compiled(lambda key, state: agent.train(key, state, NUM_ENVS * NUM_STEPS), jax.random.key(1), state)
