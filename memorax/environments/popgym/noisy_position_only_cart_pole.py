"""POPGym NoisyPositionOnlyCartPole: balance a pole, seeing through noise where it is but not how fast it moves."""

from dataclasses import dataclass
from typing import ClassVar

from flax import struct

from memorax.environments.popgym import cards, cart_pole
from memorax.environments.popgym.cart_pole import CartPoleTask

# The original makes the noise stronger, but the episodes no longer.
DIFFICULTIES = {
    "Easy": {"noise_sigma": 0.1, "episode_length": 200},
    "Medium": {"noise_sigma": 0.2, "episode_length": 200},
    "Hard": {"noise_sigma": 0.3, "episode_length": 200},
}


@struct.dataclass
class NoisyCartPoleParams:
    """`noise_sigma`: standard deviation of the noise, in metres and radians. `episode_length`: the steps after which an
    episode is cut.
    """

    noise_sigma: float = 0.1
    episode_length: int = 200


@dataclass(frozen=True)
class NoisyPositionOnlyCartPole(CartPoleTask):
    """Each step pushes a cart to the left (0) or right (1), to keep the pole on it upright and the cart on its track.

    The reset and every step show the position of the cart and the angle of the pole, with normal noise of standard
    deviation noise_sigma added to each and clipped to the bounds of the observation; see `cart_pole` for how they move.
    The noise changes nothing but what is shown. With T = episode_length, every step earns 1/T, the one that fails
    included.

    Observation: Box `[2]`, bounded by 4.8 m and 24 degrees. Action: Discrete(2). Episode: terminated when the cart is
    beyond 2.4 m or the pole beyond 12 degrees, truncated on step T; both flags may be True. Return: in (0, 1], the
    length over T; uniform random play averages 0.11.

    Full state: `physical`, the positions, without noise, and the velocities; `progress`, the share of the T steps that
    is over. Nothing else moves the pole or ends the episode; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859,
    which calls it Noisy Stateless CartPole; popgym 1.0.7, `popgym/envs/noisy_position_only_cartpole.py`.
    """

    task_version: ClassVar[int] = 1

    @staticmethod
    def create(
        *, noise_sigma: float = 0.1, episode_length: int = 200
    ) -> tuple["NoisyPositionOnlyCartPole", NoisyCartPoleParams]:
        """The environment and its params; `ValueError` unless noise_sigma >= 0 and episode_length >= 1."""
        cards.check_integer("NoisyPositionOnlyCartPole", "episode_length", episode_length, 1)
        if not noise_sigma >= 0:
            raise ValueError(f"NoisyPositionOnlyCartPole: noise_sigma is {noise_sigma!r}; it must be a number >= 0")
        return NoisyPositionOnlyCartPole(), NoisyCartPoleParams(noise_sigma, episode_length)

    def observation_space(self, params):
        return cart_pole.POSITIONS

    def first(self, physical):
        return cart_pole.positions(physical)

    def shown(self, physical):
        return cart_pole.positions(physical)

    def noise_sigma(self, params):
        return params.noise_sigma
