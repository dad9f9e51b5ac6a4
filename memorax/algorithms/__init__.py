"""Algorithms: each a frozen Config, a complete State and a class with `init`, `warmup`, `train` and `evaluate`."""

from memorax.algorithms.a2c import A2C, A2CConfig, A2CState
from memorax.algorithms.dqn import DQN, DQNConfig, DQNState
from memorax.algorithms.evaluation import Evaluation
from memorax.algorithms.ppo import PPO, PPOConfig, PPOState
from memorax.algorithms.pqn import PQN, PQNConfig, PQNState
from memorax.algorithms.qrc import QRC, QRCConfig, QRCState
from memorax.algorithms.r2d2 import R2D2, R2D2Config, R2D2State
from memorax.algorithms.sac import SAC, SACConfig, SACState
from memorax.algorithms.stream_ac import StreamAC, StreamACConfig, StreamACState
from memorax.registry import ALGORITHMS

__all__ = [
    "A2C",
    "ALGORITHMS",
    "DQN",
    "PPO",
    "PQN",
    "QRC",
    "R2D2",
    "SAC",
    "A2CConfig",
    "A2CState",
    "DQNConfig",
    "DQNState",
    "Evaluation",
    "PPOConfig",
    "PPOState",
    "PQNConfig",
    "PQNState",
    "QRCConfig",
    "QRCState",
    "R2D2Config",
    "R2D2State",
    "SACConfig",
    "SACState",
    "StreamAC",
    "StreamACConfig",
    "StreamACState",
]
