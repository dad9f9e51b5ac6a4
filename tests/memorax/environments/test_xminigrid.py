"""The adapter against xminigrid's own stepping, and what is said of its tasks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.xminigrid import tasks

xminigrid = pytest.importorskip("xminigrid", reason="xminigrid (extra 'xminigrid') is not installed")

FORWARD, RIGHT, LEFT, PICK_UP, PUT_DOWN, TOGGLE = range(6)
UP, EAST = 0, 1
FLOOR, WALL, BALL, GOAL, KEY = 1, 2, 3, 6, 7  # tiles
GREEN, YELLOW, GREY, BLACK = 2, 5, 6, 7


def run(function, *arguments):
    """Compiled once, so not for speed."""
    return jax.jit(function).lower(*arguments).compile({"xla_backend_optimization_level": 0})(*arguments)


def first_states(env, params, number):
    """Of that many episodes: `(observation, state)`, leaves `[number, ...]`."""
    keys = jax.random.split(jax.random.key(0), number)
    return run(jax.vmap(lambda key: env.reset(key, params)), keys)


def standing(state, cell, direction):
    agent = state.agent.replace(position=jnp.array(cell), direction=jnp.int32(direction))
    return state.replace(agent=agent)


def act(env, params, state, *actions):
    """`(observation, state, reward, terminated, truncated, info)` after each of these actions, leaves `[actions, ...]`.

    Without a reset: the actions go on where the episode is over.
    """

    def step(state, action):
        transition = env.step_env(jax.random.key(1), state, action, params)
        return transition[1], transition

    return run(lambda state: jax.lax.scan(step, state, jnp.array(actions))[1], state)


@pytest.mark.parametrize(
    ("name", "options"),
    [("MiniGrid-MemoryS8", {"max_steps": 40}), ("MiniGrid-EmptyRandom-5x5", {"max_steps": 40, "view_size": 5})],
)
def test_episodes_equal_xminigrid(name, options):
    env, params = make(f"xminigrid::{name}", **options)
    theirs, settings = xminigrid.make(name, **options)

    def both(key):
        observation, state = env.reset(key, params)
        timestep = theirs.reset(settings, key)
        timestep = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), timestep)

        def step(carry, key):
            (state, timestep), action = carry, env.action_space(params).sample(key)
            after, stepped, reward, terminated, truncated, _ = env.step_env(key, state, action, params)
            their = theirs.step(settings, timestep, action)
            over = their.step_type == 2
            flags = {"terminated": over & (their.discount == 0), "truncated": over & (their.discount == 1)}
            expected = {"view": their.observation, "reward": their.reward, "grid": their.state.grid, **flags}
            flags = {"terminated": terminated, "truncated": truncated}
            ours = {"view": after, "reward": reward, "grid": stepped.grid, **flags}
            their = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), their, timestep)
            return (stepped, their), (ours, expected)

        _, trajectories = jax.lax.scan(step, (state, timestep), jax.random.split(key, 60))
        return (observation, timestep.observation), *trajectories

    first, ours, expected = run(jax.vmap(both), jax.random.split(jax.random.key(0), 256))
    np.testing.assert_array_equal(*first)
    # xminigrid goes on where an episode is over, and so do we: nothing has to be left out.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, expected)
    assert np.any(ours["terminated"])
    assert np.any(ours["truncated"])
    assert np.any(ours["reward"] > 0)


def test_a_success_on_the_last_step_is_terminated_and_later_ones_lose_value():
    env, params = make("xminigrid::MiniGrid-Empty-5x5")
    to_the_goal = jnp.array([FORWARD, FORWARD, RIGHT, FORWARD, FORWARD])

    def play(max_steps):
        chosen = params.replace(max_steps=max_steps)

        def step(state, action):
            _, state, *outcome, _ = env.step_env(jax.random.key(0), state, action, chosen)
            return state, outcome

        return jax.lax.scan(step, env.reset(jax.random.key(0), chosen)[1], to_the_goal)[1]

    reward, terminated, truncated = run(jax.vmap(play), jnp.array([4, 5, 10]))
    np.testing.assert_allclose(reward[1:, -1], [1 - 0.9 * 5 / 5, 1 - 0.9 * 5 / 10], atol=1e-6)
    assert terminated.tolist() == [[False] * 4 + [True]] * 3
    assert truncated.tolist() == [[False] * 3 + [True, False], [False] * 5, [False] * 5]
    assert env.max_episode_steps(params.replace(max_steps=np.array([4, 10]))) == 10


def everywhere(state, see):
    """`see(state)` from every cell of floor, in every direction: leaves `[cells * 4, ...]`."""
    cells = jnp.asarray(np.argwhere(np.asarray(state.grid)[..., 0] == FLOOR).repeat(4, axis=0))
    return run(jax.vmap(lambda cell, turn: see(standing(state, cell, turn))), cells, jnp.arange(len(cells)) % 4)


@pytest.mark.parametrize("name", ["MiniGrid-MemoryS8", "MiniGrid-MemoryS16"])
def test_the_object_of_memory_leaves_the_view(name):
    from xminigrid.core.observation import transparent_field_of_view

    env, params = make(f"xminigrid::{name}")
    _, states = first_states(env, params, 128)

    def objects(state):
        """Whether the object to be remembered, and whether an answer, is in view."""
        grid = state.grid.at[2, 1, 1].set(YELLOW)  # unlike the answers, which are green
        view = transparent_field_of_view(grid, state.agent, 3, 3)
        thing = (view[..., 0] == BALL) | (view[..., 0] == KEY)
        return jnp.any(thing & (view[..., 1] == YELLOW)), jnp.any(thing & (view[..., 1] == GREEN))

    seen, _ = run(jax.vmap(objects), states)
    column = np.asarray(states.agent.position)[:, 1]
    np.testing.assert_array_equal(seen, column == 1)
    assert set(column) == set(range(1, env.settings.width - 2))
    assert np.all(np.asarray(states.agent.direction) == EAST)
    seen, answer = everywhere(jax.tree.map(lambda x: x[0], states), objects)
    assert np.any(seen)
    assert np.any(answer)
    assert not np.any(seen & answer)


def test_the_view_goes_through_walls_and_does_not_show_what_is_carried():
    env, params = make("xminigrid::MiniGrid-DoorKey-5x5")
    state = jax.tree.map(lambda x: x[0], first_states(env, params, 1)[1])
    column = lambda tile, colour: jnp.array([[tile, colour]] * 3, jnp.uint8)  # noqa: E731
    grid = state.grid.at[1:4, 1].set(column(FLOOR, BLACK)).at[1:4, 2].set(column(WALL, GREY))
    grid = grid.at[1, 1].set(jnp.array([KEY, YELLOW], jnp.uint8))
    state = standing(state.replace(grid=grid), [2, 1], UP)
    view, after, *_ = act(env, params, state, PICK_UP, RIGHT)
    assert after.agent.pocket.tolist() == [[KEY, YELLOW]] * 2
    assert not np.any(view[..., 0] == KEY)
    assert view[1, -2, 3, 0] == WALL  # before the agent, which is at [-1, 3]
    assert view[1, -3, 4, 0] == GOAL  # at (3, 3)


def test_what_blocks_the_door_may_replace_the_key_or_look_like_the_goal():
    env, params = make("xminigrid::MiniGrid-BlockedUnlockPickUp")
    states = first_states(env, params, 4096)[1]
    grid = np.asarray(states.grid)
    assert abs(np.mean(~np.any(grid[..., 0] == KEY, axis=(1, 2))) - 1 / 16) < 0.02
    wanted = np.asarray(states.goal_encoding)[:, None, None, 1:3]
    on_this_side = grid[:, :, : env.settings.width // 2]
    alike = np.any(np.all(on_this_side == wanted, axis=-1), axis=(1, 2))
    assert abs(np.mean(alike) - 1 / 30) < 0.015

    state = jax.tree.map(lambda x: x[np.argmax(alike)], states)
    row, column = np.argwhere(np.all(on_this_side[np.argmax(alike)] == wanted[np.argmax(alike)], axis=-1))[0]
    _, _, reward, terminated, _, _ = act(env, params, standing(state, [row, column - 1], EAST), PICK_UP)
    assert terminated.tolist() == [True]
    assert reward[0] > 0.9


def test_what_is_not_listed_has_no_goal():
    listed = tasks()
    assert len(listed) == 22
    for name in set(xminigrid.registered_environments()) - set(listed):
        theirs, settings = xminigrid.make(name)
        if name.startswith("XLand"):
            assert not np.any(settings.ruleset.goal)  # 0 is the goal that is never reached
        else:
            state = run(lambda key, settings=settings, theirs=theirs: theirs.reset(settings, key), jax.random.key(0))
            assert not np.any(state.state.goal_encoding)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("MiniGrid-MemoryS9", {}, ["'MiniGrid-MemoryS9'", "Did you mean", "'MiniGrid-MemoryS8'"]),
        ("MemoryS8", {}, ["xminigrid environment", "'MiniGrid-MemoryS8'"]),
        ("XLand-MiniGrid-R1-9x9", {}, ["XLand-MiniGrid-R1-9x9", "no goal", "nothing", "MiniGrid-MemoryS16"]),
        ("MiniGrid-Playground", {}, ["no goal", "MiniGrid-MemoryS16"]),
        ("MiniGrid-MemoryS8", {"view": 5}, ["option of xminigrid::MiniGrid-MemoryS8", "'view_size'", "max_steps"]),
        ("MiniGrid-MemoryS8", {"max_steps": 0}, ["max_steps is 0", ">= 1"]),
        ("MiniGrid-MemoryS8", {"view_size": 1}, ["view_size is 1", ">= 3"]),
        ("MiniGrid-MemoryS8", {"view_size": 4}, ["view_size is 4", "odd", "3 or 5"]),
    ],
)
def test_errors_name_the_value_what_is_allowed_and_the_fix(name, options, words):
    with pytest.raises(ValueError) as caught:
        make(f"xminigrid::{name}", **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
