"""Every algorithm solves three probes: a bandit with a context, a cue to remember, and two cues to combine.

Guessing earns 0.5, and so does the best policy without a memory where one is needed. (Learners from streams, which need
other torsos to remember, are in `test_streaming_laws`; aims in continuous spaces in `test_sac_learning`.)
"""

import jax
import pytest

from fixtures.agents import a2c, ppo, pqn, q_learner, sac, torso
from fixtures.cues import probe
from memorax.algorithms import DQN, R2D2

PROBES = {"context": probe(1, 0), "cue": probe(1, 3), "two-cues": probe(2, 1)}
ON_POLICY = {"num_envs": 16, "num_steps": 16, "gamma": 0.9}
REPLAY = {
    "num_envs": 16, "num_steps": 8, "period": 4, "gamma": 0.9, "buffer_size": 8192, "learning_starts": 1024,
    "batch_size": 32, "sequence_length": 8, "burn_in": 0, "gradient_steps": 4,
}  # fmt: skip
EXPLORE = {"epsilon_steps": 8_000}
LEARNERS = {
    "a2c": lambda body, task: a2c(body, task, 5e-3, gae_lambda=0.95, **ON_POLICY),
    "ppo": lambda body, task: ppo(body, task=task, learning_rate=5e-3, num_minibatches=4, **ON_POLICY),
    "pqn": lambda body, task: pqn(body, task, 5e-3, **ON_POLICY, **EXPLORE),
    "dqn": lambda body, task: q_learner(DQN, body, task, 5e-3, n_step=1, target_period=50, **REPLAY, **EXPLORE),
    "r2d2": lambda body, task: q_learner(R2D2, body, task, 5e-3, n_step=2, target_period=50, **REPLAY),
    "sac": lambda body, task: sac(body, task, 5e-3, tau=0.05, temperature=0.1, **REPLAY),
}


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("task", PROBES)
def test_probes_are_solved(name, task):
    agent = LEARNERS[name](torso("gru", features=16), PROBES[task])

    def program(key):
        state = agent.train(key, agent.init(key), 300 * 256)
        return agent.evaluate(key, state, 128, deterministic=True).returns.mean()

    assert float(jax.jit(program)(jax.random.key(0))) > 0.95
