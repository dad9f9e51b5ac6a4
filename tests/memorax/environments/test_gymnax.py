"""The adapter against gymnax's own `step`: same keys, same episode."""

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make, spaces


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("CartPole-v1", {}),
        ("MemoryChain-bsuite", {"memory_length": 9, "num_bits": 3}),
        ("MetaMaze-misc", {}),
        ("Pendulum-v1", {"max_steps_in_episode": 50}),
        ("DeepSea-bsuite", {}),
    ],
)
def test_trajectories_equal_gymnax(name, options):
    env, params = make(f"gymnax::{name}", **options)
    theirs, _ = gymnax.make(name, **{key: value for key, value in options.items() if key == "num_bits"})
    action_space = env.action_space(params)

    def both(key):
        reset_key, scan_key = jax.random.split(key)
        observation, state = env.reset(reset_key, params)
        their_observation, their_state = theirs.reset(reset_key, params)

        def step(carry, key):
            state, their_state = carry
            action_key, step_key = jax.random.split(key)
            action = action_space.sample(action_key)
            observation, state, reward, terminated, truncated, info = env.step(step_key, state, action, params)
            ours = (observation, reward, terminated, truncated, info["final_observation"])
            observation, stepped, reward, terminated, truncated, info = theirs.step(
                step_key, their_state, action, params
            )
            their_state = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), stepped, their_state)
            return (state, their_state), (ours, (observation, reward, terminated, truncated, info["final_observation"]))

        their_state = jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x)), their_state)
        (_, _), (ours, expected) = jax.lax.scan(step, (state, their_state), jax.random.split(scan_key, 210))
        return (observation, *ours), (their_observation, *expected)

    ours, expected = jax.jit(jax.vmap(both))(jax.random.split(jax.random.key(0), 8))
    names = ("first", "observation", "reward", "terminated", "truncated", "final_observation")
    for quantity, a, b in zip(names, ours, expected, strict=True):
        # Flags exactly; floats to a rounding, which may depend on what the compiler fuses.
        tolerance = 0 if quantity in ("terminated", "truncated") else 1e-5
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=quantity)
    terminated, truncated = np.asarray(ours[3]), np.asarray(ours[4])
    assert (terminated | truncated).any()
    if name == "DeepSea-bsuite":
        assert (terminated & truncated).any()  # both flags at once pass through


def test_spaces_are_ours_hashable_and_available_inside_jit():
    env, params = make("gymnax::CartPole-v1")
    seen = []

    @jax.jit
    def program(x):
        seen.append(env.observation_space(params))
        return x

    program(0)
    assert seen == [env.observation_space(params)]
    assert isinstance(seen[0], spaces.Box)
    assert hash(seen[0]) == hash(env.observation_space(params))
    assert env.action_space(params) == spaces.Discrete(2)
    with pytest.raises(ValueError, match="traced params"):
        jax.jit(lambda params: env.observation_space(params).low[0])(params)


def test_bounds_that_gymnax_states_too_narrowly_are_widened():
    env, params = make("gymnax::MemoryChain-bsuite", num_bits=2)
    low, high = env.observation_space(params).bounds()
    np.testing.assert_array_equal(low, np.float32([-1e-6, 0, -1, -1]))
    assert high.shape == (4,)
    env, params = make("gymnax::MetaMaze-misc")
    assert np.isinf(env.observation_space(params).bounds()[1][-2])


def test_options_reach_the_params_and_the_constructor():
    env, params = make("gymnax::MemoryChain-bsuite", memory_length=20, num_bits=4)
    assert params.memory_length == 20
    assert env.environment.num_bits == 4
    assert env.max_episode_steps(params) == 21
    assert env.max_episode_steps(params.replace(max_steps_in_episode=7)) == 7
    env, params = make("gymnax::BernoulliBandit-misc")
    assert env.max_episode_steps(params) == 100
    assert isinstance(env.max_episode_steps(params), int)


@pytest.mark.parametrize("name", ["Pendulum-v1", "MetaMaze-misc", "FourRooms-misc"])
def test_numeric_params_may_be_traced(name):
    env, params = make(f"gymnax::{name}")
    action_space = env.action_space(params)

    def first_cut(limit):
        chosen = params.replace(max_steps_in_episode=limit)
        observation, state = env.reset(jax.random.key(0), chosen)

        def step(state, key):
            observation, state, _, _, truncated, _ = env.step(key, state, action_space.zeros(), chosen)
            return state, (observation, truncated)

        observations, truncated = jax.lax.scan(step, state, jax.random.split(jax.random.key(1), 12))[1]
        return observation, observations, jnp.argmax(truncated)

    observation, observations, cut = jax.jit(jax.vmap(first_cut))(jnp.array([3, 9]))
    assert cut.tolist() == [2, 8]
    assert observation.dtype == observations.dtype == env.observation_space(params).dtype


def test_a_sweep_over_memory_length_shares_one_program():
    """By hand: the question comes at step memory_length, and the episode ends with its answer."""
    env, params = make("gymnax::MemoryChain-bsuite", memory_length=3)
    traces = []

    @jax.jit
    def play(params):
        traces.append(1)

        def step(state, key):
            _, state, reward, terminated, *_ = env.step(key, state, jnp.int32(0), params)
            return state, (reward, terminated)

        _, state = env.reset(jax.random.key(0), params)
        return jax.lax.scan(step, state, jax.random.split(jax.random.key(1), 40))[1]

    for length in (3, 7, 30):
        reward, terminated = play(params.replace(memory_length=length))
        assert np.flatnonzero(terminated)[0] == length
        assert np.flatnonzero(reward)[0] == length
    assert len(traces) == 1
