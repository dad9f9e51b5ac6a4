"""Algorithms: each a frozen Config, a complete State and a class with `init`, `warmup`, `train` and `evaluate`."""

from memorax.algorithms.a2c import A2C, A2CConfig, A2CState
from memorax.algorithms.evaluation import Evaluation
from memorax.algorithms.ppo import PPO, PPOConfig, PPOState
from memorax.algorithms.pqn import PQN, PQNConfig, PQNState
from memorax.registry import ALGORITHMS

__all__ = [
    "A2C",
    "ALGORITHMS",
    "PPO",
    "PQN",
    "A2CConfig",
    "A2CState",
    "Evaluation",
    "PPOConfig",
    "PPOState",
    "PQNConfig",
    "PQNState",
]
