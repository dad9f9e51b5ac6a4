"""Environments around environments, one file per wrapper."""

from memorax.environments.wrappers.record_episode_statistics import RecordEpisodeStatistics

__all__ = ["RecordEpisodeStatistics"]
