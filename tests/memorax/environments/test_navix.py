"""The adapter against navix's own stepping, and what is said of its tasks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make, spaces
from memorax.environments.navix import NAMED, OBSERVATIONS, _timestep, tasks

navix = pytest.importorskip("navix", reason="navix (extra 'navix') is not installed")

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(7)
EAST = 0
TAGS = {"door": 4, "key": 5, "ball": 6, "goal": 8}  # in the first entry of a cell
NOWHERE = (0, -1)  # where navix keeps what was picked up


def run(function, *arguments):
    """Compiled once, so not for speed."""
    return jax.jit(function).lower(*arguments).compile({"xla_backend_optimization_level": 0})(*arguments)


def first_states(env, params, number):
    """Of that many episodes: `(observation, state)`, leaves `[number, ...]`."""
    keys = jax.random.split(jax.random.key(0), number)
    return run(jax.vmap(lambda key: env.reset(key, params)), keys)


def one(batch):
    return jax.tree.map(lambda x: x[0], batch)


def change(state, **kinds):
    """`state` with fields of entities replaced: `player={"position": [[1, 2]]}`."""
    changed = {
        kind: state.entities[kind].replace(
            **{name: jnp.asarray(value, getattr(state.entities[kind], name).dtype) for name, value in fields.items()}
        )
        for kind, fields in kinds.items()
    }
    return state.replace(entities={**state.entities, **changed})


@functools.partial(jax.jit, static_argnames="observation")
def look(state, observation="first_person"):
    """What navix shows of a state."""
    return getattr(navix.observations, OBSERVATIONS[observation][0])(_timestep(jax.random.key(0), state).state)


def act(env, params, state, *actions):
    """`(observation, state, reward, terminated, truncated, info)` after each of these actions, leaves `[actions, ...]`.

    Without a reset: the actions go on where the episode is over.
    """

    def step(state, action):
        transition = env.step_env(jax.random.key(1), state, action, params)
        return transition[1], transition

    return run(lambda state: jax.lax.scan(step, state, jnp.array(actions))[1], state)


@pytest.mark.parametrize(
    ("name", "num_envs", "options"),
    [
        ("MemoryS7", 128, {"penalty_coeff": 0.5}),
        ("DoorKey-5x5", 8, {"observation": "pixels"}),
        pytest.param("Dynamic-Obstacles-5x5", 32, {}, marks=pytest.mark.slow),
        pytest.param("PutNear-6x6-N2", 128, {"observation": "full"}, marks=pytest.mark.slow),
    ],
)
def test_episodes_equal_navix(name, num_envs, options):
    env, params = make(f"navix::{name}", max_steps=50, **options)
    passed = {key: value for key, value in options.items() if key != "observation"}
    seen = getattr(navix.observations, OBSERVATIONS[env.observation][0])
    theirs = navix.make(f"Navix-{name}-v0", max_steps=50, observation_fn=seen, disable_autoreset=True, **passed)

    def both(key):
        observation, state = env.reset(key, params)
        timestep = theirs.reset(key)
        timestep = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), timestep)

        def step(carry, key):
            (state, timestep), action = carry, env.action_space(params).sample(key)
            after, stepped, reward, terminated, truncated, _ = env.step_env(key, state, action, params)
            their = theirs.step(timestep.replace(state=timestep.state.replace(key=key)), action)
            their = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), their, timestep)
            flags = {"terminated": their.step_type == 2, "truncated": their.step_type == 1}
            expected = {"view": their.observation, "reward": their.reward, "entities": their.state.entities, **flags}
            flags = {"terminated": terminated, "truncated": truncated}
            ours = {"view": after, "reward": reward, "entities": stepped.entities, **flags}
            return (stepped, their), (ours, expected)

        _, trajectories = jax.lax.scan(step, (state, timestep), jax.random.split(key, 55))
        return (observation, timestep.observation), *trajectories

    first, ours, expected = run(jax.vmap(both), jax.random.split(jax.random.key(0), num_envs))
    if env.num_told:
        first, ours["view"] = (first[0]["view"], first[1]), ours["view"]["view"]
    np.testing.assert_array_equal(*first)
    # navix goes on where an episode is over, and so do we: nothing has to be left out.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, expected)
    assert np.any(ours["terminated"]) or num_envs < 10
    assert np.any(ours["truncated"])


def test_a_success_on_the_last_step_is_terminated_and_later_ones_lose_value():
    env, params = make("navix::Empty-5x5", penalty_coeff=0.5)
    to_the_goal = jnp.array([FORWARD, FORWARD, RIGHT, FORWARD, FORWARD])

    def play(max_steps):
        chosen = params.replace(max_steps=max_steps)

        def step(state, action):
            _, state, *outcome, _ = env.step_env(jax.random.key(0), state, action, chosen)
            return state, outcome

        return jax.lax.scan(step, env.reset(jax.random.key(0), chosen)[1], to_the_goal)[1]

    reward, terminated, truncated = run(jax.vmap(play), jnp.array([4, 5, 10]))
    np.testing.assert_allclose(reward[:, -1], [0.5 * (1 - 1 / 4) + 0.5 - 0.5, 0.5, 0.75], atol=1e-6)
    assert terminated.tolist() == [[False] * 4 + [True]] * 3
    assert truncated.tolist() == [[False] * 3 + [True, False], [False] * 5, [False] * 5]
    assert env.max_episode_steps(params.replace(max_steps=np.array([4, 10]))) == 10


@pytest.mark.parametrize("name", ["MemoryS7", "MemoryS13", "DoorKey-8x8", "MultiRoom-N6"])
def test_the_state_is_a_tenth_of_navix_own(name):
    env, params = make(f"navix::{name}")

    def size(function):
        leaves = jax.tree.leaves(jax.eval_shape(function, jax.random.key(0)))
        return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)

    assert size(lambda key: env.reset(key, params)[1]) < size(lambda key: env.environment.reset(key).state) / 10


def test_the_key_of_a_step_decides_what_it_draws():
    env, params = make("navix::Dynamic-Obstacles-8x8")
    state = one(first_states(env, params, 1)[1])
    keys = jax.random.split(jax.random.key(1), 8)
    after = run(jax.vmap(lambda key: env.step_env(key, state, DONE, params)[1]), jnp.stack([*keys, *keys]))
    places = np.asarray(after.entities["ball"].position)
    np.testing.assert_array_equal(places[:8], places[8:])
    assert len(np.unique(places[:8], axis=0)) > 1


# --- what is said of the tasks ---


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


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Navix-MemoryS13-v0", {}, ["'Navix-MemoryS13-v0'", "Did you mean", "'MemoryS13'"]),
        ("MemoryS8", {}, ["navix environment", "Did you mean", "'MemoryS9'"]),
        ("MemoryS7", {"view": 5}, ["option of navix::MemoryS7", "'view'", "max_steps, observation, penalty_coeff"]),
        ("MemoryS7", {"observation": "pixel"}, ["'pixel'", "Did you mean 'pixels'", "first_person, full"]),
        ("MemoryS7", {"max_steps": 0}, ["navix::MemoryS7", "max_steps is 0", ">= 1"]),
        ("MemoryS7", {"penalty_coeff": -1.0}, ["penalty_coeff is -1.0", ">= 0"]),
    ],
)
def test_errors_name_the_value_what_is_allowed_and_the_fix(name, options, words):
    with pytest.raises(ValueError) as caught:
        make(f"navix::{name}", **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_all_ids_of_navix_are_listed_and_observations_are_what_navix_shows():
    assert {f"Navix-{name}-v0" for name in tasks()} == set(navix.registry())
    assert make("navix::MemoryS13")[0].observation_space(None).shape == (7, 7, 3)
    assert make("navix::MemoryS13", observation="full")[0].observation_space(None).shape == (13, 13, 3)
    assert make("navix::MemoryS13", observation="pixels")[0].observation_space(None) == spaces.Box(
        0, 255, (56, 56, 3), jnp.uint8
    )
