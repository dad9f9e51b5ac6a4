"""Heads: from a torso's output to what an algorithm needs.

Policies give a distribution over actions, value heads an array of expected returns, distributional heads a
`ValueDistribution` over returns.
"""

from memorax.networks.heads.distributional import (
    C51,
    AtomValues,
    HistogramValues,
    HLGauss,
    Quantile,
    QuantileValues,
)
from memorax.networks.heads.policies import (
    NEVER,
    Beta,
    Categorical,
    Gaussian,
    MultiCategorical,
    SignedBeta,
    SquashedGaussian,
    TanhNormal,
)
from memorax.networks.heads.values import (
    ContinuousQNetwork,
    DiscreteQNetwork,
    DuelingQNetwork,
    Ensemble,
    Twin,
    VNetwork,
)

__all__ = [
    "C51",
    "NEVER",
    "AtomValues",
    "Beta",
    "Categorical",
    "ContinuousQNetwork",
    "DiscreteQNetwork",
    "DuelingQNetwork",
    "Ensemble",
    "Gaussian",
    "HLGauss",
    "HistogramValues",
    "MultiCategorical",
    "Quantile",
    "QuantileValues",
    "SignedBeta",
    "SquashedGaussian",
    "TanhNormal",
    "Twin",
    "VNetwork",
]
