"""Wrappers: environments made of others, one a file."""

from memorax.environments.wrappers.clip_action import ClipAction
from memorax.environments.wrappers.delayed_observation import DelayedObservation
from memorax.environments.wrappers.flatten_observation import FlattenObservation
from memorax.environments.wrappers.flickering_observation import FlickeringObservation
from memorax.environments.wrappers.frame_stack import FrameStack
from memorax.environments.wrappers.mask_observation import MaskObservation
from memorax.environments.wrappers.noisy_observation import NoisyObservation
from memorax.environments.wrappers.previous_action import PreviousAction
from memorax.environments.wrappers.record_episode_statistics import RecordEpisodeStatistics
from memorax.environments.wrappers.rl2_trials import RL2Trials
from memorax.environments.wrappers.scale_action import ScaleAction
from memorax.environments.wrappers.scale_reward import ScaleReward
from memorax.environments.wrappers.sticky_action import StickyAction
from memorax.environments.wrappers.time_limit import TimeLimit

__all__ = [
    "ClipAction",
    "DelayedObservation",
    "FlattenObservation",
    "FlickeringObservation",
    "FrameStack",
    "MaskObservation",
    "NoisyObservation",
    "PreviousAction",
    "RL2Trials",
    "RecordEpisodeStatistics",
    "ScaleAction",
    "ScaleReward",
    "StickyAction",
    "TimeLimit",
]
