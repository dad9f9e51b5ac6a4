"""The oracle: the full state is in its space, changes nothing else, and suffices to play as well as can be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments.encode import encode, encoded_shape
from memorax.environments.popgym import (
    autoencode,
    concentration,
    count_recall,
    higher_lower,
    multiarmed_bandit,
    repeat_first,
    repeat_previous,
)
from memorax.environments.popgym.state_observation import StateObservation
from memorax.environments.spaces import Dict

MODULES = {
    "Autoencode": autoencode,
    "Concentration": concentration,
    "CountRecall": count_recall,
    "HigherLower": higher_lower,
    "MultiarmedBandit": multiarmed_bandit,
    "RepeatFirst": repeat_first,
    "RepeatPrevious": repeat_previous,
}
DIFFICULTIES = ("Easy", "Medium", "Hard")


def build(family, difficulty):
    module = MODULES[family]
    return getattr(module, family).create(**module.DIFFICULTIES[difficulty])


def returns(env, params, policy, num_episodes, seed=0):
    """Returns `[num_episodes]` of `policy(key, observation)`; whoever ends early earns nothing after."""

    def episode(key):
        key, reset_key = jax.random.split(key)

        def step(carry, key):
            observation, state, over = carry
            action_key, step_key = jax.random.split(key)
            action = policy(action_key, observation)
            observation, state, reward, terminated, truncated, _ = env.step_env(step_key, state, action, params)
            return (observation, state, over | terminated | truncated), jnp.where(over, 0.0, reward)

        carry = (*env.reset_env(reset_key, params), jnp.bool_(False))
        (_, _, over), rewards = jax.lax.scan(step, carry, jax.random.split(key, env.max_episode_steps(params)))
        return jnp.sum(rewards), over

    total, over = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(seed), num_episodes))
    assert np.all(over)
    return np.asarray(total)


def roll_both(env, params, num_envs, num_steps):
    """Random play over the ends of episodes, by `env` and its oracle under the same keys and actions: for each, the
    first observations and what `step` returned at every step.
    """
    envs = (env, StateObservation(env))

    def run(key, actions):
        key, reset_key = jax.random.split(key)

        def step(states, inputs):
            key, action = inputs
            steps = [env.step(key, state, action, params) for env, state in zip(envs, states, strict=True)]
            return [state for _, state, *_ in steps], steps

        first, states = zip(*[env.reset(reset_key, params) for env in envs], strict=True)
        steps = jax.lax.scan(step, list(states), (jax.random.split(key, num_steps), actions))[1]
        return list(zip(first, steps, strict=True))

    num_actions = env.action_space(params).n
    actions = np.random.default_rng(0).integers(0, num_actions, (num_envs, num_steps)).astype(np.int32)
    return jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), num_envs), actions)


def name_the_due(num_actions):
    # While nothing is due, `due` may be no action; then any action does.
    return lambda key, observation: jnp.minimum(observation["due"], num_actions - 1)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("family", ["Autoencode", "CountRecall", "RepeatFirst", "RepeatPrevious"])
def test_a_memoryless_policy_on_the_full_state_never_errs(family, difficulty):
    env, params = build(family, difficulty)
    policy = name_the_due(env.action_space(params).n)
    np.testing.assert_allclose(returns(StateObservation(env), params, policy, 64), 1, atol=1e-4)


@pytest.mark.parametrize(("difficulty", "ceiling"), [("Easy", 0.527), ("Medium", 0.514), ("Hard", 0.511)])
def test_counting_cards_on_the_full_state_reaches_the_ceiling_of_higher_lower(difficulty, ceiling):
    env, params = build("HigherLower", difficulty)

    def count(key, observation):
        ranks = jnp.arange(13)
        higher = jnp.sum(jnp.where(ranks > observation["rank"], observation["remaining"], 0))
        lower = jnp.sum(jnp.where(ranks < observation["rank"], observation["remaining"], 0))
        return (higher < lower).astype(jnp.int32)

    earned = returns(StateObservation(env), params, count, 4000)
    # The ceiling is known to three digits.
    assert abs(earned.mean() - ceiling) < 4 * earned.std() / np.sqrt(len(earned)) + 0.001


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_best_arm_of_the_full_state_reaches_the_ceiling_of_the_bandit(difficulty):
    env, params = build("MultiarmedBandit", difficulty)
    earned = returns(StateObservation(env), params, lambda key, observation: jnp.argmax(observation["arms"]), 2000)
    # The largest of n uniforms is n / (n + 1) on average.
    ceiling = 2 * env.num_bandits / (env.num_bandits + 1) - 1
    assert abs(earned.mean() - ceiling) < 4 * earned.std() / np.sqrt(len(earned))


def pair_up(env):
    """Turns a pair that it knows, else looks at a card that it does not."""

    def policy(key, observation):
        cells, index = observation["cells"], jnp.arange(env.num_cards)
        known = (cells < env.num_types) & (observation["face_up"] == 0)
        same = (cells[:, None] == cells) & known[:, None] & known & (index[:, None] != index)
        waits = observation["first"] < env.num_cards
        partner = jnp.where(waits, same[jnp.minimum(observation["first"], env.num_cards - 1)], same.any(1))
        unseen = cells == env.num_types
        return jnp.argmax(jnp.where(partner.any(), partner, unseen)).astype(jnp.int32)

    return policy


@pytest.mark.parametrize(("difficulty", "at_least"), [("Easy", 0.5), ("Medium", 0.5), ("Hard", 0.2)])
def test_pairing_up_on_the_full_state_plays_concentration_well(difficulty, at_least):
    env, params = build("Concentration", difficulty)
    earned = returns(StateObservation(env), params, pair_up(env), 200)
    assert earned.mean() > at_least
    assert earned.max() <= 1 + 1e-6


@pytest.mark.parametrize("family", MODULES)
def test_states_are_in_their_space_and_everything_else_is_unchanged(family):
    env, params = build(family, "Easy")
    oracle = StateObservation(env)
    space = oracle.observation_space(params)
    assert space == env.state_space(params)
    assert isinstance(space, Dict)
    assert oracle.action_space(params) == env.action_space(params)
    assert oracle.max_episode_steps(params) == env.max_episode_steps(params)
    assert oracle.can_truncate == env.can_truncate
    assert oracle.default_params == env.default_params
    assert oracle.task_version == env.task_version

    batch = (4, env.max_episode_steps(params) + 10)
    (_, (_, plain_states, *plain_rest, _)), (first, (observations, states, *rest, info)) = roll_both(
        env, params, *batch
    )
    for a, b in zip(jax.tree.leaves((states, rest)), jax.tree.leaves((plain_states, plain_rest)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(rest[1] | rest[2])

    assert space.contains(first, (4,))
    assert space.contains(observations, batch)
    assert space.contains(info["final_observation"], batch)
    encoded = jax.eval_shape(lambda x: encode(space, x), observations)
    assert encoded.shape == (*batch, *encoded_shape(space))
    assert {name: child.dtype for name, child in space.spaces} == {name: x.dtype for name, x in observations.items()}
    full = jax.jit(jax.vmap(jax.vmap(lambda state: env.full_state(state, params))))(states)
    jax.tree.map(np.testing.assert_array_equal, full, observations)

    done = np.asarray(rest[1] | rest[2])
    if family != "HigherLower":
        assert (np.asarray(observations["progress"])[done] == 0).all()
        assert (np.asarray(info["final_observation"]["progress"])[done] == 1).all()
    else:
        assert (np.asarray(info["final_observation"]["remaining"])[done] == 0).all()


def test_the_cards_to_come_are_counted_alike_in_an_injected_deck():
    env, params = build("HigherLower", "Easy")
    order = np.random.default_rng(0).permutation(np.arange(52) // 4)
    _, state = env.reset_with_order(order, params)
    for dealt in range(1, 10):
        full = env.full_state(state, params)
        assert full["rank"] == order[dealt - 1]
        np.testing.assert_allclose(full["remaining"], np.bincount(order[dealt:], minlength=13) / 4)
        _, state, *_ = env.step_env(jax.random.key(0), state, jnp.int32(0), params)


def test_an_environment_without_a_full_state_is_a_value_error():
    env, _ = build("RepeatFirst", "Easy")
    with pytest.raises(ValueError, match=r"StateObservation.*has no full state; give a PopgymEnvironment"):
        StateObservation(StateObservation(env))


@pytest.mark.parametrize(
    ("create", "options", "message"),
    [
        (autoencode.Autoencode.create, {"num_decks": 0}, "num_decks is 0"),
        (autoencode.Autoencode.create, {"num_decks": 3, "max_decks": 2}, "num_decks is 3, more than max_decks 2"),
        (count_recall.CountRecall.create, {"deck_type": "hearts"}, "must be one of colors, suits, ranks"),
        (concentration.Concentration.create, {"deck_type": "suits"}, "must be one of colors, ranks"),
        (concentration.Concentration.create, {"num_decks": 1.5}, "num_decks is 1.5"),
        (multiarmed_bandit.MultiarmedBandit.create, {"num_bandits": 0}, "num_bandits is 0"),
        (multiarmed_bandit.MultiarmedBandit.create, {"episode_length": True}, "episode_length is True"),
    ],
)
def test_options_that_are_not_allowed_are_value_errors(create, options, message):
    with pytest.raises(ValueError, match=message):
        create(**options)


def test_autoencode_shares_one_program_over_numbers_of_decks():
    env, params = autoencode.Autoencode.create(num_decks=1, max_decks=3)
    oracle, traces = StateObservation(env), []

    @jax.jit
    def play(key, params):
        traces.append(1)

        def step(carry, key):
            observation, state = carry
            observation, state, reward, terminated, _, _ = oracle.step_env(
                key, state, jnp.minimum(observation["due"], 3), params
            )
            return (observation, state), (reward, terminated)

        return jax.lax.scan(step, oracle.reset_env(key, params), jax.random.split(key, 311))[1]

    for num_decks in (1, 2, 3):
        rewards, terminated = map(np.asarray, play(jax.random.key(0), params.replace(num_decks=num_decks)))
        length = 104 * num_decks - 1
        assert np.argmax(terminated) == length - 1
        np.testing.assert_allclose(rewards[:length].sum(), 1, atol=1e-4)
    assert len(traces) == 1
