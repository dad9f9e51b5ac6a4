"""Environments under a random policy: many copies at once, over the ends of episodes."""

from speed import steady
from speed.programs import ENVIRONMENTS


class Speed(steady.Timed):
    params, param_names = (["play"], list(ENVIRONMENTS)), ("program", "environment")


class Work(steady.Counted):
    params, param_names = (["play"], list(ENVIRONMENTS)), ("program", "environment")
