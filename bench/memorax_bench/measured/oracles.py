"""Ways to play that bound a task from above: `act(key, observation) -> action` on what `observe` reveals.

On POPGym's tasks they read the full state (`observation="state"`). None of them learns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax.environments.popgym import pendulum
from memorax.environments.spaces import Space
from memorax.environments.types import Environment
from memorax.environments.wrappers.base import WrappedState, Wrapper

Act = Callable[[jax.Array, Any], Any]


@dataclass(frozen=True)
class Revealed(Wrapper):
    """Shows what `reveal(state)` makes of the state, from the first observation to the final one.

    For players that bound a task, not for agents: what it shows has no space.
    """

    reveal: Callable[[Any], Any]

    def map_observation_space(self, space: Space, params: Any) -> Space:
        raise ValueError("Revealed: what it shows has no space; it is for oracles, which need none")

    def reset_env(self, key, params):
        _, env_state = self.env.reset_env(key, params)
        return self.reveal(env_state), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        _, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        return self.reveal(env_state), WrappedState(env_state), *rest


def uniform(env: Environment, params: Any) -> Act:
    """Random actions."""
    space = env.action_space(params)
    return lambda key, observation: space.sample(key)


def count_cards(env: Environment, params: Any) -> Act:
    """HigherLower: says what the cards still to come make more likely. Optimal, since no action moves a card."""

    def act(key, observation):
        ranks = jnp.arange(observation["remaining"].shape[-1])
        higher = jnp.sum(jnp.where(ranks > observation["rank"], observation["remaining"], 0))
        lower = jnp.sum(jnp.where(ranks < observation["rank"], observation["remaining"], 0))
        return (higher < lower).astype(jnp.int32)

    return act


def pair_up(env: Environment, params: Any) -> Act:
    """Concentration: turns a pair that has been seen, else a card that has not. Forgets nothing, knows nothing more."""
    num_types = dict(env.observation_space(params).spaces)["cells"].nvec[0] - 1

    def act(key, observation):
        cells, num_cards = observation["cells"], observation["cells"].shape[-1]
        index = jnp.arange(num_cards)
        known = (cells < num_types) & (observation["face_up"] == 0)
        same = (cells[:, None] == cells) & known[:, None] & known & (index[:, None] != index)
        waits = observation["first"] < num_cards
        partner = jnp.where(waits, same[jnp.minimum(observation["first"], num_cards - 1)], same.any(1))
        return jnp.argmax(jnp.where(partner.any(), partner, cells == num_types)).astype(jnp.int32)

    return act


def see_ships(env: Environment, params: Any) -> Act:
    """Battleship: fires at ships only."""
    size = env.action_space(params).nvec[0]

    def act(key, observation):
        cell = jnp.argmax(observation["ships"] * (1 - observation["guesses"]))
        return jnp.stack([cell // size, cell % size]).astype(jnp.int32)

    return act


def see_mines(env: Environment, params: Any) -> Act:
    """MineSweeper: opens every cell that is neither open nor a mine."""
    size = env.action_space(params).nvec[0]

    def act(key, observation):
        cell = jnp.argmax(observation["cells"] == 0)
        return jnp.stack([cell // size, cell % size]).astype(jnp.int32)

    return act


def balance(env: Environment, params: Any) -> Act:
    """CartPole: pushes to the side to which the pole falls, and a little against where the cart goes."""
    gains = jnp.array([0.05, 0.2, 1.0, 0.5])  # of position, velocity, angle, angular velocity

    def act(key, observation):
        x, x_dot, angle, angle_dot = observation["physical"]
        return (gains @ jnp.stack([x, x_dot, angle, angle_dot]) > 0).astype(jnp.int32)

    return act


ANGLES, SPEEDS, TORQUES = 201, 161, 33  # of the grid on which the pendulum is solved


def swing_up(env: Environment, params: Any) -> Act:
    """Pendulum: the torque that dynamic programming over the episode finds on a grid of angles and speeds."""
    length = env.max_episode_steps(params)
    angles = jnp.linspace(-np.pi, np.pi, ANGLES)
    speeds = jnp.linspace(-pendulum.MAX_SPEED, pendulum.MAX_SPEED, SPEEDS)
    torques = jnp.linspace(-pendulum.MAX_TORQUE, pendulum.MAX_TORQUE, TORQUES)
    lowest = jnp.stack([angles[0], speeds[0]])
    spacing = jnp.stack([angles[1], speeds[1]]) - lowest

    def cost_to_go(value: jax.Array, physical: jax.Array, torque: jax.Array) -> jax.Array:
        after, cost = pendulum.advance(physical, torque[None])
        place = (after - lowest) / spacing
        return cost + jax.scipy.ndimage.map_coordinates(value, list(place), order=1, mode="nearest")

    over_torques = jax.vmap(cost_to_go, in_axes=(None, None, 0))
    grid = jnp.stack(jnp.meshgrid(angles, speeds, indexing="ij"), -1)

    def earlier(value: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        best = jax.vmap(jax.vmap(lambda physical: over_torques(value, physical, torques).min()))(grid)
        return best, value

    # values[t]: what the steps after step t cost at best
    values = jax.jit(lambda: jax.lax.scan(earlier, jnp.zeros((ANGLES, SPEEDS)), length=length, reverse=True)[1])()

    def act(key, observation):
        cosine, sine, speed = observation["physical"]
        step = jnp.round(observation["progress"] * length).astype(jnp.int32)
        physical = jnp.stack([jnp.arctan2(sine, cosine), speed])
        return torques[jnp.argmin(over_torques(values[step], physical, torques))][None]

    return act


def shortest_path(env: Environment, params: Any) -> Act:
    """MetaMaze: takes the shortest way to the goal, which it sees, as (position, goal)."""
    maze = env.environment
    steps = _distances(np.asarray(maze.env_map))
    moves = jnp.asarray(maze.directions)

    def act(key, observation):
        position, goal = observation
        reached = position + moves  # [4, 2]; a wall is infinitely far
        return jnp.argmin(steps[goal[0], goal[1], reached[:, 0], reached[:, 1]]).astype(jnp.int32)

    return act


def _distances(free: np.ndarray) -> jax.Array:
    """Steps between all cells of a map, `[H, W, H, W]`; infinite from, to and through walls."""
    height, width = free.shape
    steps = np.full((height * width, height * width), np.inf, np.float32)
    open_cells = np.flatnonzero(free)
    steps[open_cells, open_cells] = 0
    apart = np.abs(open_cells[:, None] - open_cells)  # the outer wall keeps the ends of two rows apart
    first, second = np.nonzero((apart == 1) | (apart == width))
    steps[open_cells[first], open_cells[second]] = 1
    for middle in open_cells:  # Floyd and Warshall
        steps = np.minimum(steps, steps[:, [middle]] + steps[[middle], :])
    return jnp.asarray(steps.reshape(height, width, height, width))
