"""Torsos: how a network remembers. `SEQUENCE_MODELS` lists them by name."""

from memorax.networks.sequence_models.base import SequenceModelWrapper, as_sequence_model
from memorax.networks.sequence_models.gru import GRUCell, GRUConfig
from memorax.networks.sequence_models.lru import LRUCell, LRUConfig
from memorax.networks.sequence_models.mamba2 import Mamba2Cell, Mamba2Config
from memorax.networks.sequence_models.memoroid import Memoroid
from memorax.networks.sequence_models.mlp import MLP, MLPConfig
from memorax.networks.sequence_models.rnn import RNN
from memorax.registry import SEQUENCE_MODELS

__all__ = [
    "MLP",
    "RNN",
    "SEQUENCE_MODELS",
    "GRUCell",
    "GRUConfig",
    "LRUCell",
    "LRUConfig",
    "MLPConfig",
    "Mamba2Cell",
    "Mamba2Config",
    "Memoroid",
    "SequenceModelWrapper",
    "as_sequence_model",
]
