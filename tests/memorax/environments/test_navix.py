"""The adapter against navix's own stepping; errors; that all of navix is listed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.navix_states import DONE, FORWARD, RIGHT, first_states, navix, one, run
from memorax.environments import make, spaces
from memorax.environments.navix import OBSERVATIONS, tasks


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
