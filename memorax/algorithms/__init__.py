"""Algorithms: each a frozen Config, a complete State and a class with `init`, `warmup`, `train` and `evaluate`."""

from memorax.algorithms.evaluation import Evaluation
from memorax.algorithms.ppo import PPO, PPOConfig, PPOState
from memorax.registry import ALGORITHMS

__all__ = ["ALGORITHMS", "PPO", "Evaluation", "PPOConfig", "PPOState"]
