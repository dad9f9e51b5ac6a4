"""The adapter against brax itself, and what it adds: episodes that are cut, and begin anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax import registry
from memorax.environments import make, spaces
from memorax.environments.brax import BACKENDS, BROKEN, DIVISIBLE, INDIVISIBLE, TASKS

brax = pytest.importorskip("brax", reason="brax (extra 'brax') is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:Brax System", "ignore:Accessing `(ncon|contact)`:DeprecationWarning")
NUM_ENVS, NUM_STEPS = 4, 20
NEVER = 1000  # an episode_length that 20 steps do not reach


@pytest.fixture(scope="module")
def play():
    """`play(actions [NUM_ENVS, NUM_STEPS, 1], episode_length) -> (ours, theirs)`, compiled once.

    Both are dicts of arrays `[NUM_ENVS, NUM_STEPS, ...]`, `first` without steps; brax is stepped on past any end.
    """
    return _program("generalized")


def _program(backend):
    import brax.envs

    env, params = make("brax::inverted_pendulum", backend=backend)
    theirs = brax.envs.get_environment("inverted_pendulum", backend=backend)

    def one(key, actions, params):
        observation, state = env.reset(key, params)
        their_state = theirs.reset(key)

        def step(carry, moment):
            (state, their_state), (key, action) = carry, moment
            after, state, reward, terminated, truncated, info = env.step(key, state, action, params)
            their_state = theirs.step(their_state, action)
            ours = {"observation": after, "final": info["final_observation"], "reward": reward, "time": state.time}
            ours |= {"terminated": terminated, "truncated": truncated}
            their = {"observation": their_state.obs, "reward": their_state.reward, "done": their_state.done}
            return (state, jax.tree.map(lambda x, y: jnp.asarray(x, y.dtype), their_state, carry[1])), (ours, their)

        # brax's reward is a Python float after the first step.
        first = their_state.obs
        their_state = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), their_state)
        _, (ours, their) = jax.lax.scan(step, (state, their_state), (jax.random.split(key, NUM_STEPS), actions))
        return {"first": observation, **ours}, {"first": first, **their}

    program = jax.jit(jax.vmap(one, in_axes=(0, 0, None)))

    def run(actions, episode_length):
        keys = jax.random.split(jax.random.key(0), NUM_ENVS)
        batch = program(keys, jnp.float32(actions), params.replace(episode_length=jnp.int32(episode_length)))
        return jax.tree.map(np.asarray, batch)

    return run


def _pushes():
    """Half of the environments are pushed until their pole falls; half are pushed at random, and gently."""
    random = np.random.default_rng(0).uniform(-0.02, 0.02, (NUM_ENVS, NUM_STEPS, 1))
    return np.where(np.arange(NUM_ENVS)[:, None, None] < 2, 1.0, random)


def _first_end(ended):
    return int(np.argmax(ended))


def _check_equal_to_brax(play):
    ours, theirs = play(_pushes(), NEVER)
    np.testing.assert_allclose(ours["first"], theirs["first"], rtol=1e-5, atol=1e-6)
    fallen = theirs["done"].any(axis=1)
    assert fallen[:2].all()
    for i in range(NUM_ENVS):
        steps = slice(0, _first_end(theirs["done"][i]) + 1 if fallen[i] else NUM_STEPS)
        np.testing.assert_array_equal(ours["terminated"][i, steps], theirs["done"][i, steps] > 0)
        np.testing.assert_allclose(ours["final"][i, steps], theirs["observation"][i, steps], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours["reward"][i, steps], theirs["reward"][i, steps], rtol=1e-5)
    assert not ours["truncated"].any()


def test_trajectories_equal_brax(play):
    _check_equal_to_brax(play)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [backend for backend in BACKENDS if backend != "generalized"])
def test_trajectories_equal_brax_on_every_backend(backend):
    _check_equal_to_brax(_program(backend))


def test_an_episode_is_cut_at_its_length_and_the_next_begins_in_a_state_of_its_own(play):
    ours, _ = play(np.zeros((NUM_ENVS, NUM_STEPS, 1)), 5)
    ends = np.arange(NUM_STEPS) % 5 == 4
    assert not ours["terminated"].any()
    np.testing.assert_array_equal(ours["truncated"], np.tile(ends, (NUM_ENVS, 1)))
    np.testing.assert_array_equal(ours["time"], np.tile(np.arange(1, NUM_STEPS + 1) % 5, (NUM_ENVS, 1)))
    # The last observation belongs to the old episode, the one to act on next to the new.
    assert (ours["observation"][:, ends] != ours["final"][:, ends]).any(axis=-1).all()
    np.testing.assert_array_equal(ours["observation"][:, ~ends], ours["final"][:, ~ends])
    # brax's own auto-reset would make all of an environment's starts equal.
    starts = np.concatenate([ours["first"][:, None], ours["observation"][:, ends]], axis=1).reshape(-1, 4)
    assert len(np.unique(starts, axis=0)) == NUM_ENVS * 5
    assert np.all(np.abs(starts) <= 0.01)  # uniform noise around the upright pole


def test_both_flags_where_it_falls_on_its_last_step(play):
    fall = _first_end(play(_pushes(), NEVER)[0]["terminated"][0])
    ours, _ = play(_pushes(), fall + 1)
    assert ours["terminated"][0, fall] and ours["truncated"][0, fall]
    assert not (ours["terminated"] | ours["truncated"])[0, :fall].any()


# --- what is shown ---


@pytest.mark.parametrize("body", DIVISIBLE)
def test_variants_show_the_positions_or_the_velocities(body):
    # The engine that is compiled soonest; they all show the same.
    positions_only, params = make(f"brax::{body}-positions", backend="spring")
    velocities_only, _ = make(f"brax::{body}-velocities", backend="spring")

    @jax.jit
    def reset(key):
        positions, state = positions_only.reset(key, params)
        velocities, _ = velocities_only.reset(key, params)
        physics = state.pipeline_state
        return positions, velocities, physics.q, physics.qd, physics.x.pos[0, 2]

    positions, velocities, q, qd, height = reset(jax.random.key(1))
    # Where it is on the plane, or on the line along which it walks, is never shown: nothing depends on it.
    hidden = {"ant": 2, "inverted_pendulum": 0}.get(body, 1)
    expected = np.array(q)
    if body in ("hopper", "walker2d"):
        expected[1] = height
    np.testing.assert_array_equal(positions, expected[hidden:])
    np.testing.assert_array_equal(velocities, qd)
    assert positions_only.observation_space(params).contains(positions)
    assert velocities_only.observation_space(params).contains(velocities)


SIZES = {  # body -> entries shown of positions, velocities and all else; actuators
    "ant": (13, 14, 0, 8),
    "halfcheetah": (8, 9, 0, 6),
    "hopper": (5, 6, 0, 3),
    "humanoid": (0, 0, 244, 17),
    "humanoidstandup": (0, 0, 244, 17),
    "inverted_double_pendulum": (0, 0, 8, 1),
    "inverted_pendulum": (2, 2, 0, 1),
    "pusher": (0, 0, 23, 7),
    "reacher": (0, 0, 11, 2),
    "walker2d": (8, 9, 0, 6),
}


@pytest.mark.parametrize("name", TASKS)
def test_spaces_of_every_id(name):
    env, params = make(f"brax::{name}")
    body, _, observe = name.partition("-")
    positions, velocities, rest, num_actuators = SIZES[body]
    size = {"": positions + velocities + rest, "positions": positions, "velocities": velocities}[observe]
    assert env.observation_space(params) == spaces.Box(-np.inf, np.inf, (size,))
    assert env.action_space(params) == spaces.Box(-1.0, 1.0, (num_actuators,))
    assert (env.max_episode_steps(params), env.can_truncate, params) == (1000, True, env.default_params)


EVERY_STEP = [(body, backend) for body in SIZES for backend in BACKENDS]
CHEAP = ("inverted_pendulum-velocities", "spring")


@pytest.mark.parametrize(
    ("name", "backend"), [CHEAP, *(pytest.param(*case, marks=pytest.mark.slow) for case in EVERY_STEP)]
)
def test_a_step_returns_what_a_reset_returns(name, backend):
    """Shapes, dtypes and weak types, found by tracing alone."""
    env, params = make(f"brax::{name}", backend=backend)
    observation, state = jax.eval_shape(lambda key: env.reset(key, params), jax.random.key(0))
    action = env.action_space(params).zeros()
    stepped, after, reward, terminated, truncated, info = jax.eval_shape(
        lambda key, state: env.step(key, state, action, params), jax.random.key(0), state
    )
    assert stepped == observation == info["final_observation"] and after == state
    assert [x.dtype for x in (reward, terminated, truncated)] == [jnp.float32, jnp.bool_, jnp.bool_]
    assert info.keys() == {"final_observation"}


# --- names and options ---


def test_options_of_a_bare_body_and_its_variants_agree():
    env, params = make("brax::hopper", observe="velocities", episode_length=7)
    variant, _ = make("brax::hopper-velocities")
    assert env.shown == variant.shown and env.max_episode_steps(params) == 7


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("halfchetah", {}, ["'halfchetah'", "Did you mean 'halfcheetah'", "walker2d-velocities"]),
        ("fast", {}, ["unknown brax environment 'fast'"]),
        ("ant-position", {}, ["'ant-position'", "Did you mean 'ant-positions'"]),
        ("hopper", {"episode_lengt": 3}, ["brax::hopper", "'episode_lengt'", "Did you mean 'episode_length'"]),
        ("hopper", {"observe": "position"}, ["observe of brax::hopper", "Did you mean 'positions'", "velocities"]),
        ("hopper", {"backend": "mujoco"}, ["backend of brax::hopper", "'mujoco'", "generalized", "spring"]),
        ("swimmer", {}, ["brax::swimmer", "jax.numpy.clip", "choose one of ant, "]),
        ("swimmer-positions", {}, ["brax::swimmer-positions", "jax.numpy.clip", "choose one of ant, "]),
        ("hopper", {"episode_length": 0}, ["brax::hopper", "episode_length is 0", ">= 1"]),
        ("hopper", {"episode_length": 2.0}, ["episode_length is 2.0", "integer"]),
        (
            "hopper-positions",
            {"observe": "velocities"},
            ["brax::hopper-positions fixes observe='positions'", "make 'brax::hopper'"],
        ),
        ("hopper-positions", {"observ": "all"}, ["'observ'", "Known: backend, episode_length"]),
        *[(body, {"observe": "positions"}, [f"brax::{body} ", why, *DIVISIBLE]) for body, why in INDIVISIBLE.items()],
        *[(f"{body}-velocities", {}, [f"brax::{body} ", why, *DIVISIBLE]) for body, why in INDIVISIBLE.items()],
    ],
)
def test_errors_name_the_value_what_is_allowed_and_the_fix(name, options, words):
    with pytest.raises(ValueError) as caught:
        make(f"brax::{name}", **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_every_body_of_brax_is_listed():
    import brax.envs

    assert {*DIVISIBLE, *INDIVISIBLE, *BROKEN} == {*brax.envs._envs} - {"fast"}  # a stand-in for tests of brax


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_refused_does_not_run(body):
    import brax.envs

    env = brax.envs.get_environment(body)
    state = jax.eval_shape(env.reset, jax.random.key(0))
    with pytest.raises(TypeError, match="clip"):
        jax.eval_shape(env.step, state, jnp.zeros(env.action_size))


def test_tasks_say_what_their_variants_need():
    described = registry.resolve("memorax.environments.brax:tasks")()
    assert described.keys() == TASKS.keys()
    for name, task in described.items():
        assert bool(task.memory) == ("-" in name)
        assert ("observe" in task.options) == (name in DIVISIBLE)
        for key, option in task.options.items():
            make(f"brax::{name}", **{key: option.default})


def test_making_one_says_nothing_and_writes_nothing(tmp_path):
    import os
    import subprocess
    import sys
    from pathlib import Path

    done = subprocess.run(
        [sys.executable, "-c", "from memorax.environments import make; make('brax::halfcheetah', backend='spring')"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())
