"""Blocks: torsos made of torsos. Each takes any module that `as_sequence_model` accepts."""

from memorax.networks.blocks.ffn import FFN
from memorax.networks.blocks.gated_residual import GatedResidual
from memorax.networks.blocks.glu import GLU
from memorax.networks.blocks.mixture_of_experts import MixtureOfExperts
from memorax.networks.blocks.norm import PostNorm, PreNorm
from memorax.networks.blocks.projection import Projection
from memorax.networks.blocks.residual import Residual
from memorax.networks.blocks.segment_recurrence import SegmentRecurrence
from memorax.networks.blocks.stack import Stack

__all__ = [
    "FFN",
    "GLU",
    "GatedResidual",
    "MixtureOfExperts",
    "PostNorm",
    "PreNorm",
    "Projection",
    "Residual",
    "SegmentRecurrence",
    "Stack",
]
