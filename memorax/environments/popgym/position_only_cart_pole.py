"""POPGym PositionOnlyCartPole: balance a pole, seeing where it is but not how fast it moves."""

from dataclasses import dataclass
from typing import ClassVar

from memorax.environments.popgym import cards, cart_pole
from memorax.environments.popgym.cart_pole import CartPoleParams, CartPoleTask

DIFFICULTIES = {
    "Easy": {"episode_length": 200},
    "Medium": {"episode_length": 400},
    "Hard": {"episode_length": 600},
}


@dataclass(frozen=True)
class PositionOnlyCartPole(CartPoleTask):
    """Each step pushes a cart to the left (0) or right (1), to keep the pole on it upright and the cart on its track.

    The reset and every step show the position of the cart and the angle of the pole; see `cart_pole` for how they
    move. With T = episode_length, every step earns 1/T, the one that fails included.

    Observation: Box `[2]`, bounded by 4.8 m and 24 degrees. Action: Discrete(2). Episode: terminated when the cart is
    beyond 2.4 m or the pole beyond 12 degrees, truncated on step T; both flags may be True. Return: in (0, 1], the
    length over T; uniform random play averages 0.11 / 0.06 / 0.04 (Easy / Medium / Hard).

    Full state: `physical`, the positions and the velocities; `progress`, the share of the T steps that is over.
    Nothing else moves the pole or ends the episode; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859,
    which calls it Stateless CartPole; popgym 1.0.7, `popgym/envs/position_only_cartpole.py`.
    """

    task_version: ClassVar[int] = 1

    @staticmethod
    def create(*, episode_length: int = 200) -> tuple["PositionOnlyCartPole", CartPoleParams]:
        """The environment and its params; `ValueError` unless episode_length >= 1."""
        cards.check_integer("PositionOnlyCartPole", "episode_length", episode_length, 1)
        return PositionOnlyCartPole(), CartPoleParams(episode_length=episode_length)

    def observation_space(self, params):
        return cart_pole.POSITIONS

    def first(self, physical):
        return cart_pole.positions(physical)

    def shown(self, physical):
        return cart_pole.positions(physical)

    def noise_sigma(self, params):
        return None
