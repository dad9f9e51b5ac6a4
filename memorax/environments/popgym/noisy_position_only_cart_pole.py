"""POPGym NoisyPositionOnlyCartPole: balance a pole, seeing through noise where it is but not how fast it moves."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards, cart_pole
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Discrete
from memorax.environments.types import largest

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
class NoisyPositionOnlyCartPole(PopgymEnvironment):
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
    can_truncate: ClassVar[bool] = True

    @staticmethod
    def create(
        *, noise_sigma: float = 0.1, episode_length: int = 200
    ) -> tuple["NoisyPositionOnlyCartPole", NoisyCartPoleParams]:
        """The environment and its params; `ValueError` unless noise_sigma >= 0 and episode_length >= 1."""
        cards.check_integer("NoisyPositionOnlyCartPole", "episode_length", episode_length, 1)
        if not noise_sigma >= 0:
            raise ValueError(f"NoisyPositionOnlyCartPole: noise_sigma is {noise_sigma!r}; it must be a number >= 0")
        return NoisyPositionOnlyCartPole(), NoisyCartPoleParams(noise_sigma, episode_length)

    @property
    def default_params(self) -> NoisyCartPoleParams:
        return NoisyCartPoleParams()

    def observation_space(self, params):
        return cart_pole.POSITIONS

    def action_space(self, params):
        return Discrete(2)

    def state_space(self, params):
        return cart_pole.state_space()

    def max_episode_steps(self, params):
        return largest("episode_length", params.episode_length)

    def noise(self, key, params):
        """What is added to one observation: float32 `[2]`."""
        return params.noise_sigma * jax.random.normal(key, (2,))

    def reset_env(self, key, params):
        state_key, noise_key = jax.random.split(key)
        return self.reset_with_state(cart_pole.initial(state_key), self.noise(noise_key, params), params)

    def reset_with_state(self, physical, noise, params):
        """As `reset_env`, but begins at `physical`, floats `[4]`, and shows it with `noise`, floats `[2]`.

        For parity tests.
        """
        state = cart_pole.started(physical)
        return self._shown(state, noise), state

    def step_env(self, key, state, action, params):
        return self.step_with_noise(self.noise(key, params), state, action, params)

    def step_with_noise(self, noise, state, action, params):
        """As `step_env`, but shows what happens with `noise`, floats `[2]`."""
        state, reward, terminated, truncated = cart_pole.step(state, action, params.episode_length)
        return self._shown(state, noise), state, reward, terminated, truncated, {}

    def _shown(self, state, noise):
        return jnp.clip(cart_pole.positions(state.physical) + noise, -cart_pole.OBSERVED, cart_pole.OBSERVED)

    def full_state(self, state, params):
        return cart_pole.full_state(state, params.episode_length)
