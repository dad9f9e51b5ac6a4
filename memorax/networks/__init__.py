"""Networks: feature extractor -> torso -> head."""

from memorax.networks import heads
from memorax.networks.feature_extractors import FeatureExtractor, Identity
from memorax.networks.network import Network
from memorax.networks.sequence_models import (
    MLP,
    RNN,
    SEQUENCE_MODELS,
    GRUCell,
    GRUConfig,
    LRUCell,
    LRUConfig,
    Mamba2Cell,
    Mamba2Config,
    Memoroid,
    MLPConfig,
    SequenceModelWrapper,
    as_sequence_model,
)
from memorax.networks.types import Carry, Head, Inputs, MemoroidCell, SequenceModel

__all__ = [
    "MLP",
    "RNN",
    "SEQUENCE_MODELS",
    "Carry",
    "FeatureExtractor",
    "GRUCell",
    "GRUConfig",
    "Head",
    "Identity",
    "Inputs",
    "LRUCell",
    "LRUConfig",
    "MLPConfig",
    "Mamba2Cell",
    "Mamba2Config",
    "Memoroid",
    "MemoroidCell",
    "Network",
    "SequenceModel",
    "SequenceModelWrapper",
    "as_sequence_model",
    "heads",
]
