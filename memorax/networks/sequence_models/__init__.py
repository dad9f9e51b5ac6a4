"""Torsos: how a network remembers. `SEQUENCE_MODELS` lists them by name."""

from memorax.networks.sequence_models.attention import Attention, AttentionConfig
from memorax.networks.sequence_models.base import SequenceModelWrapper, as_sequence_model
from memorax.networks.sequence_models.delta_net import DeltaNetCell, DeltaNetConfig
from memorax.networks.sequence_models.ffm import FFMCell, FFMConfig
from memorax.networks.sequence_models.frame_stack import FrameStack, FrameStackConfig
from memorax.networks.sequence_models.gated_delta_net import GatedDeltaNetCell, GatedDeltaNetConfig
from memorax.networks.sequence_models.gla import GLACell, GLAConfig
from memorax.networks.sequence_models.gpt2 import GPT2, GPT2Config
from memorax.networks.sequence_models.gru import GRUCell, GRUConfig
from memorax.networks.sequence_models.gtrxl import GTrXL, GTrXLConfig
from memorax.networks.sequence_models.linear_attention import LinearAttentionCell, LinearAttentionConfig
from memorax.networks.sequence_models.lru import LRUCell, LRUConfig
from memorax.networks.sequence_models.lstm import LSTMCell, LSTMConfig
from memorax.networks.sequence_models.mamba import MambaCell, MambaConfig
from memorax.networks.sequence_models.mamba2 import Mamba2Cell, Mamba2Config
from memorax.networks.sequence_models.mamba3 import Mamba3Cell, Mamba3Config
from memorax.networks.sequence_models.memoroid import Memoroid
from memorax.networks.sequence_models.min_gru import MinGRUCell, MinGRUConfig
from memorax.networks.sequence_models.min_lstm import MinLSTMCell, MinLSTMConfig
from memorax.networks.sequence_models.mlp import MLP, MLPConfig
from memorax.networks.sequence_models.mlp_time import MLPTime, MLPTimeConfig
from memorax.networks.sequence_models.mlstm import MLSTMCell, MLSTMConfig
from memorax.networks.sequence_models.retnet import RetNetCell, RetNetConfig
from memorax.networks.sequence_models.rnn import RNN
from memorax.networks.sequence_models.rtrl import RTRL
from memorax.networks.sequence_models.rtu import RTUCell, RTUConfig
from memorax.networks.sequence_models.s5 import S5Cell, S5Config
from memorax.networks.sequence_models.shm import SHMCell, SHMConfig
from memorax.networks.sequence_models.slstm import SLSTMCell, SLSTMConfig
from memorax.networks.sequence_models.transformer_xl import TransformerXL, TransformerXLConfig
from memorax.networks.sequence_models.xlstm import XLSTM, XLSTMConfig
from memorax.registry import SEQUENCE_MODELS

__all__ = [
    "GPT2",
    "MLP",
    "RNN",
    "RTRL",
    "SEQUENCE_MODELS",
    "XLSTM",
    "Attention",
    "AttentionConfig",
    "DeltaNetCell",
    "DeltaNetConfig",
    "FFMCell",
    "FFMConfig",
    "FrameStack",
    "FrameStackConfig",
    "GLACell",
    "GLAConfig",
    "GPT2Config",
    "GRUCell",
    "GRUConfig",
    "GTrXL",
    "GTrXLConfig",
    "GatedDeltaNetCell",
    "GatedDeltaNetConfig",
    "LRUCell",
    "LRUConfig",
    "LSTMCell",
    "LSTMConfig",
    "LinearAttentionCell",
    "LinearAttentionConfig",
    "MLPConfig",
    "MLPTime",
    "MLPTimeConfig",
    "MLSTMCell",
    "MLSTMConfig",
    "Mamba2Cell",
    "Mamba2Config",
    "Mamba3Cell",
    "Mamba3Config",
    "MambaCell",
    "MambaConfig",
    "Memoroid",
    "MinGRUCell",
    "MinGRUConfig",
    "MinLSTMCell",
    "MinLSTMConfig",
    "RTUCell",
    "RTUConfig",
    "RetNetCell",
    "RetNetConfig",
    "S5Cell",
    "S5Config",
    "SHMCell",
    "SHMConfig",
    "SLSTMCell",
    "SLSTMConfig",
    "SequenceModelWrapper",
    "TransformerXL",
    "TransformerXLConfig",
    "XLSTMConfig",
    "as_sequence_model",
]
