"""Memorax: memory-augmented reinforcement-learning agents in JAX.

An agent is an algorithm (`memorax.algorithms`), its networks (`memorax.networks`) and an environment
(`memorax.environments`). This package imports nothing by itself, so that the registries stay cheap to read.
"""

__version__ = "0.1.0"
