"""What each wrapper does, above all at the boundary of an episode; and that all of them keep the contract."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from memorax.environments import wrappers
from memorax.environments.spaces import Box, Discrete
from memorax.environments.types import Environment


@struct.dataclass
class CounterParams:
    length: int = 4


@struct.dataclass
class CounterState:
    """`offset` differs in each episode, as a task does."""

    offset: jax.Array
    time: jax.Array
    last: Any


@dataclass(frozen=True)
class Counter(Environment):
    """Shows [offset + time, last action]; the reward is the action; terminates after `length` steps."""

    discrete: bool = False
    can_truncate: ClassVar[bool] = False

    @property
    def default_params(self):
        return CounterParams()

    def observation_space(self, params):
        return Discrete(100) if self.discrete else Box(-5.0, 1000.0, (2,))

    def action_space(self, params):
        return Discrete(3) if self.discrete else Box(-2.0, 4.0, ())

    def max_episode_steps(self, params):
        return params.length

    def _observe(self, state):
        if self.discrete:
            return (state.offset + state.time).astype(jnp.int32)
        return jnp.stack([(state.offset + state.time).astype(jnp.float32), jnp.float32(state.last)])

    def reset_env(self, key, params):
        offset = 10 * jax.random.randint(key, (), 1, 9)
        state = CounterState(offset, jnp.int32(0), self.action_space(params).zeros())
        return self._observe(state), state

    def step_env(self, key, state, action, params):
        state = CounterState(state.offset, state.time + 1, jnp.asarray(action, state.last.dtype))
        over = state.time == params.length
        return self._observe(state), state, jnp.float32(action), over, jnp.bool_(False), {}


def play(env, actions, seed=0, length=4):
    """Steps with the given actions -> numpy arrays of everything, the first observation in front."""
    params = CounterParams(length)

    @jax.jit
    def run(key, actions):
        observation, state = env.reset(key, params)

        def step(state, inputs):
            key, action = inputs
            observation, state, reward, terminated, truncated, info = env.step(key, state, action, params)
            return state, (observation, reward, terminated, truncated, info["final_observation"])

        keys = jax.random.split(key, len(actions))
        return observation, jax.lax.scan(step, state, (keys, actions))[1]

    first, (observations, *rest) = jax.tree.map(np.asarray, run(jax.random.key(seed), jnp.asarray(actions)))
    return jax.tree.map(lambda a, b: np.concatenate([a[None], b]), first, observations), *rest


ALL = {
    "ClipAction": (wrappers.ClipAction, {}),
    "DelayedObservation": (wrappers.DelayedObservation, {"delay": 2}),
    "FlattenObservation": (wrappers.FlattenObservation, {}),
    "FlickeringObservation": (wrappers.FlickeringObservation, {"probability": 0.5}),
    "FrameStack": (wrappers.FrameStack, {"num_frames": 3}),
    "MaskObservation": (wrappers.MaskObservation, {"keep": (1,)}),
    "NoisyObservation": (wrappers.NoisyObservation, {"sigma": 0.1}),
    "PreviousAction": (wrappers.PreviousAction, {}),
    "RL2Trials": (wrappers.RL2Trials, {"num_trials": 2}),
    "RecordEpisodeStatistics": (wrappers.RecordEpisodeStatistics, {}),
    "ScaleAction": (wrappers.ScaleAction, {}),
    "ScaleReward": (wrappers.ScaleReward, {"scale": 2.0}),
    "StickyAction": (wrappers.StickyAction, {"probability": 0.5}),
    "TimeLimit": (wrappers.TimeLimit, {"max_steps": 3}),
}


def test_every_wrapper_is_here():
    assert set(ALL) == set(wrappers.__all__)


@pytest.mark.parametrize("name", ALL)
def test_contract(name):
    """Spaces are true at every step, lengths are bounded, flags and rewards have their dtypes, structures are fixed."""
    make, options = ALL[name]
    env = make(Counter(), **options)
    params = CounterParams()
    space = env.observation_space(params)
    limit = env.max_episode_steps(params)
    action = env.action_space(params).sample(jax.random.key(3))
    observations, reward, terminated, truncated, final = play(env, np.full(12, action, np.float32))
    assert space.contains(jax.tree.map(jnp.asarray, observations), (13,))
    assert space.contains(jax.tree.map(jnp.asarray, final), (12,))
    assert (reward.dtype, terminated.dtype, truncated.dtype) == (np.float32, bool, bool)
    ends = np.flatnonzero(terminated | truncated)
    assert ends[0] == limit - 1
    assert truncated.any() == (name == "TimeLimit") == env.can_truncate


def test_clip_action():
    env = wrappers.ClipAction(Counter())
    assert not np.isfinite(env.action_space(CounterParams()).bounds()).any()
    assert play(env, [-9.0, 1.0, 9.0])[1].tolist() == [-2, 1, 4]


def test_scale_action():
    env = wrappers.ScaleAction(Counter())
    assert play(env, [-1.0, 0.0, 1.0, 7.0])[1].tolist() == [-2, 1, 4, 4]
    with pytest.raises(ValueError, match=r"needs finite bounds.*Use ClipAction"):
        wrappers.ScaleAction(wrappers.ClipAction(Counter())).action_space(CounterParams())


def test_scale_reward():
    assert play(wrappers.ScaleReward(Counter(), 0.5), [1.0, 2.0])[1].tolist() == [0.5, 1]


def test_mask_observation():
    observations, *_, final = play(wrappers.MaskObservation(Counter(), keep=(1,)), [3.0, 1.0, 2.0, 4.0, 1.0])
    assert observations[:, 0].tolist() == [0, 3, 1, 2, 0, 1]  # the fifth belongs to the next episode
    assert final[3].tolist() == [4]


def test_noise_is_on_the_first_and_the_final_observation_and_not_in_the_state():
    actions = np.zeros(64, np.float32)
    noisy, reward, *_, noisy_final = play(wrappers.NoisyObservation(Counter(), sigma=0.1), actions)
    fraction = noisy - np.round(noisy)
    assert (fraction != 0).all()
    assert abs(fraction.std() - 0.1) < 0.02
    assert (noisy_final[3] != np.round(noisy_final[3])).all()
    assert (reward == 0).all()
    clipped, *_ = play(wrappers.NoisyObservation(Counter(), sigma=1e6, clip=True), actions)
    assert set(np.unique(clipped)) == {-5.0, 1000.0}


@pytest.mark.parametrize("discrete", [False, True])
def test_flicker_hides_whole_observations_also_at_a_reset(discrete):
    actions = np.zeros(400, np.int32 if discrete else np.float32)
    env = wrappers.FlickeringObservation(Counter(discrete), probability=0.5)
    missing = lambda x: (x == 100) if discrete else (x == 0).all(-1)  # noqa: E731
    observations, _, terminated, *_, final = play(env, actions)
    starts = observations[1:][terminated]
    for part in (observations, starts, final[terminated]):
        assert 0.35 < missing(part).mean() < 0.65
    if not discrete:
        assert ((observations[:, 0] == 0) == missing(observations)).all()  # all entries or none


def test_delay_never_shows_the_last_episode():
    observations, *_, final = play(wrappers.DelayedObservation(Counter(), delay=2), np.zeros(8, np.float32))
    first = observations[0, 0]
    second = observations[4, 0]
    assert observations[:5, 0].tolist() == [first, first, first, first + 1, second]
    assert observations[4:8, 0].tolist() == [second, second, second, second + 1]
    assert first != second
    assert final[3, 0] == first + 2


def test_sticky_actions_do_not_stick_across_episodes():
    env = wrappers.StickyAction(Counter(), probability=1.0)
    rewards = play(env, [1.0, 2.0, 3.0, 4.0, -1.0, 2.0, 2.0, 2.0, 3.0])[1]
    assert rewards.tolist() == [1, 1, 1, 1, -1, -1, -1, -1, 3]
    often = play(wrappers.StickyAction(Counter(), probability=0.25), np.arange(4000) / 1000, length=4001)[1]
    assert abs((often[1:] == often[:-1]).mean() - 0.25) < 0.03


def test_flatten():
    assert play(wrappers.FlattenObservation(Counter(discrete=True)), [0, 1])[0].sum(1).tolist() == [1, 1, 1]
    assert play(wrappers.FlattenObservation(Counter()), [0.0])[0].shape == (2, 2)


def test_time_limit_counts_from_zero_in_every_episode():
    _, _, terminated, truncated, final = play(wrappers.TimeLimit(Counter(), max_steps=3), np.zeros(7, np.float32))
    assert truncated.tolist() == [False, False, True, False, False, True, False]
    assert not terminated.any()
    assert final[2, 0] % 10 == 3
    _, _, terminated, truncated, _ = play(wrappers.TimeLimit(Counter(), max_steps=4), np.zeros(4, np.float32))
    assert terminated[3]
    assert truncated[3]


def test_no_previous_action_is_not_action_zero():
    observations, *_, final = play(wrappers.PreviousAction(Counter(discrete=True)), [0, 2, 1, 1, 0])
    assert observations["previous_action"].tolist() == [
        [0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0],
    ]  # fmt: skip
    assert observations["start"].tolist() == [1, 0, 0, 0, 1, 0]
    assert final["previous_action"][3].tolist() == [0, 1, 0]
    assert final["start"][3] == 0


def test_frames_are_filled_at_a_reset():
    observations, *_ = play(wrappers.FrameStack(Counter(discrete=True), num_frames=3), [0] * 5)
    first, second = observations[0, 0], observations[4, 0]
    relative = observations - np.array([[first]] * 4 + [[second]] * 2)
    assert relative.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3], [0, 0, 0], [0, 0, 1]]
    assert play(wrappers.FrameStack(Counter(), num_frames=3), [0.0])[0].shape == (2, 6)


def test_trials_share_a_task_and_only_the_last_one_ends():
    observations, _, terminated, _, final = play(wrappers.RL2Trials(Counter(), num_trials=2), np.zeros(16, np.float32))
    assert np.flatnonzero(terminated).tolist() == [7, 15]
    assert observations["trial_start"].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    shown = observations["observation"][:, 0]
    assert shown[0] == shown[4] != shown[8] == shown[12]
    assert (final["observation"][7, 0], final["trial_start"][7]) == (shown[0] + 4, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wrappers.StickyAction(Counter(), 1.5), r"probability = 1.5 must be between 0 and 1"),
        (lambda: wrappers.FlickeringObservation(Counter(), -1), r"probability = -1 must be between 0 and 1"),
        (lambda: wrappers.TimeLimit(Counter(), 0), r"max_steps = 0 must be a whole number of at least 1"),
        (lambda: wrappers.FrameStack(Counter(), True), r"num_frames = True must be a whole number"),
        (lambda: wrappers.NoisyObservation(Counter(), -0.1), r"sigma = -0.1 must be finite and 0 or greater"),
        (lambda: wrappers.ScaleReward(Counter(), 0.0), r"scale = 0.0 must be a finite number other than 0"),
        (lambda: wrappers.MaskObservation(Counter(), ()), r"keep = \(\) must name at least one"),
        (lambda: space(wrappers.MaskObservation(Counter(), (2,))), r"keep = \(2,\) must lie in a vector"),
        (lambda: space(wrappers.NoisyObservation(Counter(True), 0.1)), r"needs a Box of floats as observation space"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def space(env):
    return env.observation_space(CounterParams())
