"""Replay for agents with memory: windows of steps, each with the memory before its first step.

A buffer holds no data, only functions of its state: `init`, `add`, `sample`, `can_sample`. They may be compiled,
scanned and vmapped over seeds; nothing that they are given is modified.
"""

from memorax.buffers.episode import EpisodeBuffer, EpisodeBufferState, Sample, make_episode_buffer
from memorax.buffers.prioritised_episode import (
    PrioritisedEpisodeBuffer,
    PrioritisedEpisodeBufferState,
    PrioritisedSample,
    importance_weights,
    make_prioritised_episode_buffer,
    mixed_priority,
)

__all__ = [
    "EpisodeBuffer",
    "EpisodeBufferState",
    "PrioritisedEpisodeBuffer",
    "PrioritisedEpisodeBufferState",
    "PrioritisedSample",
    "Sample",
    "importance_weights",
    "make_episode_buffer",
    "make_prioritised_episode_buffer",
    "mixed_priority",
]
