"""POPGym PositionOnlyPendulum: swing a pendulum up, seeing where it is but not how fast it moves."""

from dataclasses import dataclass
from typing import ClassVar

from memorax.environments.popgym import cards
from memorax.environments.popgym.pendulum import PendulumParams, PendulumTask

# The original makes the harder ones shorter: less time is left after the swing up.
DIFFICULTIES = {
    "Easy": {"episode_length": 200},
    "Medium": {"episode_length": 150},
    "Hard": {"episode_length": 100},
}


@dataclass(frozen=True)
class PositionOnlyPendulum(PendulumTask):
    """Each step turns the joint of a pendulum with a torque, to swing it up and to hold it there.

    The reset and every step show the cosine and the sine of its angle from upright; see `pendulum` for how it moves.
    With T = episode_length, a step that starts at an angle a within -pi and pi and a velocity v earns (H - c)/(H T) for
    the cost c = a^2 + 0.1 v^2 + 0.001 torque^2 and half its maximum, H = 8.1368022.

    Observation: Box `[2]` within +-1. Action: Box `[1]` within +-2, clipped to it. Episode: truncated on step T; never
    terminated. Return: in [-1, 1]; uniform random play averages 0.25 / 0.24 / 0.24 (Easy / Medium / Hard).

    Full state: `physical`, the cosine and the sine of the angle and the velocity; `progress`, the share of the T steps
    that is over. Nothing else moves the pendulum or is rewarded; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859,
    which calls it Stateless Pendulum; popgym 1.0.7, `popgym/envs/position_only_pendulum.py`.
    """

    task_version: ClassVar[int] = 1

    @staticmethod
    def create(*, episode_length: int = 200) -> tuple["PositionOnlyPendulum", PendulumParams]:
        """The environment and its params; `ValueError` unless episode_length >= 1."""
        cards.check_integer("PositionOnlyPendulum", "episode_length", episode_length, 1)
        return PositionOnlyPendulum(), PendulumParams(episode_length=episode_length)

    def noise_sigma(self, params):
        return None
