"""PPO learns what takes memory, with memory only."""

import jax
import pytest

from fixtures.agents import ppo, torso


def learned(name: str, **inputs: bool) -> float:
    """Mean return on RepeatPrevious with a lag of one card after 98k steps."""
    agent = ppo(
        torso(name, features=32),
        task="popgym::RepeatPrevious",
        task_options={"k": 2},
        inputs=inputs,
        learning_rate=3e-3,
        num_envs=16,
        num_minibatches=4,
        update_epochs=4,
    )

    def program(key):
        state = agent.train(key, agent.init(key), 96 * 1024)
        return agent.evaluate(key, state, 32).returns.mean()

    return float(jax.jit(program)(jax.random.key(0)))


@pytest.mark.usefixtures("optimised")
def test_memory_is_learned():
    assert learned("gru") > 0.8


@pytest.mark.usefixtures("optimised")
def test_and_cannot_be_learned_without_memory():
    """Fed the previous action, even this control gets past -0.3: what it did is a note to itself."""
    assert learned("mlp", previous_action=False) < -0.45
