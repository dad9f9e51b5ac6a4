"""What is said of navix's tasks is so."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.navix_states import (
    DONE,
    DROP,
    EAST,
    FORWARD,
    LEFT,
    NOWHERE,
    PICK_UP,
    RIGHT,
    TAGS,
    TOGGLE,
    act,
    change,
    first_states,
    look,
    navix,
    one,
    run,
)
from memorax.environments import make
from memorax.environments.navix import NAMED, OBSERVATIONS, tasks


def everywhere(state, see):
    """`see(state)` from every cell without a wall, in every direction: leaves `[cells * 4, ...]`."""
    size = state.grid.shape
    open_cells = np.array(state.grid == 0)
    for row, column in np.asarray(state.entities["wall"].position):
        open_cells[row, column] &= column < 0  # a wall that is not there
    cells = jnp.asarray(np.argwhere(open_cells).repeat(4, axis=0))
    directions = jnp.tile(jnp.arange(4), len(cells) // 4)
    assert len(cells) < 4 * size[0] * size[1]

    def from_there(cell, direction):
        return see(change(state, player={"position": cell[None], "direction": direction[None]}))

    return run(jax.vmap(from_there), cells, directions)


def objects_of_memory(state):
    """Whether the object to be remembered, and whether an answer, is in view."""
    marks = {"colour": [3, 4]}  # of each kind, the first is an answer, the second the object or nowhere
    colour = look(change(state, key=marks, ball=marks))[..., 1]
    return jnp.any(colour == 4), jnp.any(colour == 3)


@pytest.mark.parametrize(
    ("name", "at_once"),
    [("MemoryS7", True), pytest.param("MemoryS9", True, marks=pytest.mark.slow), ("MemoryS11", False)],
)
def test_the_object_of_memory_leaves_the_view(name, at_once):
    env, params = make(f"navix::{name}")
    _, states = first_states(env, params, 64)
    seen, _ = run(jax.vmap(objects_of_memory), states)
    column = np.asarray(states.entities["player"].position)[:, 0, 1]
    np.testing.assert_array_equal(seen, column == 1)
    assert set(column) == set(range(1, env.environment.width - 2))
    assert np.all(np.asarray(states.entities["player"].direction) == EAST)
    seen, answer = everywhere(one(states), objects_of_memory)
    assert np.any(seen)
    assert np.any(answer)
    assert np.any(seen & answer) == at_once
    assert any("in view at once" in quirk for quirk in tasks()[name].quirks) == at_once


def test_the_corridor_of_memory_random_may_be_as_short_as_that_of_s7():
    env, params = make("navix::MemoryS13Random")
    _, states = first_states(env, params, 64)
    answers = np.asarray(states.entities["key"].position)[:, 0, 1]
    assert set(answers) == set(range(5, 12))  # 5 in S7, 11 in S13


def test_the_view_goes_through_walls_except_in_pixels():
    env, params = make("navix::DoorKey-5x5")
    state = one(first_states(env, params, 1)[1])
    state = change(state, player={"position": [[1, 1]], "direction": [EAST]}, key={"position": [[3, 1]]})
    without = change(state, goal={"position": [NOWHERE]})
    assert np.any(look(state)[..., 0] == TAGS["goal"])  # behind the wall in column 2
    assert not np.any(look(without)[..., 0] == TAGS["goal"])
    np.testing.assert_array_equal(look(state, "pixels"), look(without, "pixels"))
    ajar = {"door": {"position": [[1, 2]], "open": [True]}}
    opened = change(state, **ajar, wall={"position": np.full((5, 2), NOWHERE)})
    assert np.any(look(opened, "pixels") != look(change(without, **ajar), "pixels"))


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_what_the_agent_carries_is_not_shown(observation):
    env, params = make("navix::DoorKey-5x5", observation=observation)
    state = change(one(first_states(env, params, 1)[1]), key={"position": [NOWHERE]})
    shown = [look(change(state, player={"pocket": [pocket]}), observation) for pocket in (-1, 1)]
    np.testing.assert_array_equal(*shown)


@pytest.mark.parametrize("name", ["BlockedUnlockPickup", pytest.param("ObstructedMaze-1Dlhb", marks=pytest.mark.slow)])
def test_what_is_picked_up_replaces_what_was_carried(name):
    env, params = make(f"navix::{name}")
    state = one(first_states(env, params, 1)[1])
    others = np.full((len(state.entities["ball"].id) - 1, 2), NOWHERE)
    placed = {"key": {"position": [NOWHERE]}, "ball": {"position": [*others, (2, 2)]}}
    state = change(
        state, player={"position": [[2, 1]], "direction": [EAST], "pocket": state.entities["key"].id}, **placed
    )
    after = act(env, params, state, PICK_UP, DROP)[1]
    assert after.entities["player"].pocket.tolist() == [[int(state.entities["ball"].id[-1])], [-1]]
    assert after.entities["ball"].position[:, -1].tolist() == [list(NOWHERE), [2, 2]]
    assert after.entities["key"].position.tolist() == [[list(NOWHERE)]] * 2


@pytest.mark.parametrize(("action", "name"), [(FORWARD, "bumped into"), (PICK_UP, "picked up")])
def test_an_obstacle_ends_the_episode_unrewarded(action, name):
    env, params = make("navix::Dynamic-Obstacles-5x5")
    state = one(first_states(env, params, 1)[1])
    state = change(state, ball={"position": [[1, 2], [3, 1]]})  # the agent is at (1, 1) and faces east
    _, _, reward, terminated, _, _ = act(env, params, state, action)
    assert (reward.tolist(), terminated.tolist()) == ([0], [True]), name


def test_go_to_door_ends_before_the_door_whatever_the_action():
    env, params = make("navix::GoToDoor-5x5")
    state = one(first_states(env, params, 1)[1])
    doors = {"position": [[1, 4], [4, 1], [2, 0], [0, 2]]}
    target = state.mission[0].replace(position=jnp.array([1, 4]), colour=jnp.uint8(state.entities["door"].colour[0]))
    state = change(state, player={"position": [[1, 3]], "direction": [1]}, door=doors).replace(mission=(target,))
    _, _, reward, terminated, _, _ = act(env, params, state, RIGHT, LEFT, LEFT)  # south, and then: west, south, east
    assert (reward.tolist(), terminated.tolist()) == ([0, 0, 1], [False, False, True])


def test_toggle_ends_go_to_object():
    env, params = make("navix::GoToObject-6x6-N2")
    _, _, reward, terminated, _, _ = act(env, params, one(first_states(env, params, 1)[1]), TOGGLE)
    assert (reward.tolist(), terminated.tolist()) == ([0], [True])


def alike(state, told):
    """How many objects in the grid have this colour and kind."""
    kinds = [state.entities[kind] for kind in NAMED if kind in state.entities]
    codes = [NAMED.index(kind) for kind in NAMED if kind in state.entities]
    same = [
        jnp.sum((kind.colour == told[0]) & (kind.position[:, 1] >= 0) & (code == told[1]))
        for kind, code in zip(kinds, codes, strict=True)
    ]
    return sum(same)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("Fetch-8x8-N3", 2 / 3 / 6),
        ("GoToDoor-5x5", 1 - (5 / 6) ** 3),
        ("PutNear-6x6-N2", 1 / 18),
        pytest.param("Fetch-5x5-N2", 0, marks=pytest.mark.slow),
        pytest.param("GoToObject-6x6-N2", 1 / 18, marks=pytest.mark.slow),
        pytest.param("PutNear-8x8-N3", 1 - (17 / 18) ** 2, marks=pytest.mark.slow),
    ],
)
def test_a_mission_says_colour_and_kind_and_how_often_that_is_ambiguous(name, share):
    env, params = make(f"navix::{name}", observation="full")
    observation, states = first_states(env, params, 2048)
    for i, target in enumerate(states.mission):
        told = observation["mission"][:, 2 * i : 2 * i + 2]
        cell = jax.vmap(lambda view, place: view[*place])(observation["view"], target.position)
        np.testing.assert_array_equal(cell[:, 0] - TAGS["door"], told[:, 1])
        np.testing.assert_array_equal(cell[:, 1], told[:, 0])
        counts = run(jax.vmap(alike), states, told)
        assert np.all(counts >= 1)
        assert abs(np.mean(np.asarray(counts) > 1) - share) < 0.04
    (quirk,) = [quirk for quirk in tasks()[name].quirks if "of 100 episodes" in quirk] or ["in 0 of 100 episodes"]
    assert f"in {100 * share:.0f} of 100" in quirk


@pytest.mark.parametrize(
    ("name", "sealed"),
    [
        ("KeyCorridorS3R2", 2),
        pytest.param("KeyCorridorS3R1", 0, marks=pytest.mark.slow),
        pytest.param("KeyCorridorS3R3", 4, marks=pytest.mark.slow),
    ],
)
def test_most_of_what_looks_like_a_locked_door_of_key_corridor_is_a_wall(name, sealed):
    env, params = make(f"navix::{name}")
    _, states = first_states(env, params, 64)
    no_key_fits = np.asarray(states.entities["door"].requires) == -2
    look_locked = np.asarray(run(jax.vmap(lambda doors: doors.symbolic_state), states.entities["door"])) == 2
    assert np.all(np.sum(no_key_fits & look_locked, axis=1) == sealed)
    assert np.all(np.sum(look_locked, axis=1) == sealed + 1)
    assert "goal" in states.entities


@pytest.mark.parametrize(
    ("name", "share"), [pytest.param("RedBlueDoors-6x6", 1, marks=pytest.mark.slow), ("RedBlueDoors-8x8", 4 / 5)]
)
def test_the_red_door_is_in_view_from_before_the_blue_one(name, share):
    env, params = make(f"navix::{name}")
    _, states = first_states(env, params, 1024)

    def red_in_view(state):
        before_blue = state.entities["door"].position[1:] - jnp.array([0, 1])
        view = look(change(state, player={"position": before_blue, "direction": [EAST]}))
        return jnp.any((view[..., 0] == TAGS["door"]) & (view[..., 1] == 0))

    assert abs(np.mean(run(jax.vmap(red_in_view), states)) - share) < 0.04


def test_nothing_in_playground_is_rewarded():
    assert make("navix::Playground")[0].environment.reward_fn is navix.rewards.free


@pytest.mark.slow
def test_every_step_of_multi_room_costs():
    env, params = make("navix::MultiRoom-N2-S4")
    reward = act(env, params, one(first_states(env, params, 1)[1]), LEFT, DONE)[2]
    np.testing.assert_allclose(reward, [-0.01, -0.01])
