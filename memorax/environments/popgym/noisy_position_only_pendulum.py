"""POPGym NoisyPositionOnlyPendulum: swing a pendulum up, seeing through noise where it is but not how fast it moves."""

from dataclasses import dataclass
from typing import ClassVar

from flax import struct

from memorax.environments.popgym import cards
from memorax.environments.popgym.pendulum import PendulumTask

# The original makes the noise stronger, but leaves the length of the episodes alone.
DIFFICULTIES = {
    "Easy": {"noise_sigma": 0.1, "episode_length": 200},
    "Medium": {"noise_sigma": 0.2, "episode_length": 200},
    "Hard": {"noise_sigma": 0.3, "episode_length": 200},
}


@struct.dataclass
class NoisyPendulumParams:
    """`noise_sigma`: standard deviation of the noise. `episode_length`: the steps in an episode."""

    noise_sigma: float = 0.1
    episode_length: int = 200


@dataclass(frozen=True)
class NoisyPositionOnlyPendulum(PendulumTask):
    """Each step turns the joint of a pendulum with a torque, to swing it up and to hold it there.

    The reset and every step show the cosine and the sine of its angle from upright, with normal noise of standard
    deviation noise_sigma added to each and clipped to +-1; see `pendulum` for how it moves. The noise changes nothing
    but what is shown. With T = episode_length, a step that starts at an angle a within -pi and pi and a velocity v
    earns (H - c)/(H T) for the cost c = a^2 + 0.1 v^2 + 0.001 torque^2 and half its maximum, H = 8.1368022.

    Observation: Box `[2]` within +-1. Action: Box `[1]` within +-2, clipped to it. Episode: truncated on step T; never
    terminated. Return: in [-1, 1]; uniform random play averages 0.25.

    Full state: `physical`, the cosine and the sine of the angle, without noise, and the velocity; `progress`, the
    share of the T steps that is over. Nothing else moves the pendulum or is rewarded; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859,
    which calls it Noisy Stateless Pendulum; popgym 1.0.7, `popgym/envs/noisy_position_only_pendulum.py`.
    """

    task_version: ClassVar[int] = 1

    @staticmethod
    def create(
        *, noise_sigma: float = 0.1, episode_length: int = 200
    ) -> tuple["NoisyPositionOnlyPendulum", NoisyPendulumParams]:
        """The environment and its params; `ValueError` unless noise_sigma >= 0 and episode_length >= 1."""
        cards.check_integer("NoisyPositionOnlyPendulum", "episode_length", episode_length, 1)
        if not noise_sigma >= 0:
            raise ValueError(f"NoisyPositionOnlyPendulum: noise_sigma is {noise_sigma!r}; it must be a number >= 0")
        return NoisyPositionOnlyPendulum(), NoisyPendulumParams(noise_sigma, episode_length)

    def noise_sigma(self, params):
        return params.noise_sigma
