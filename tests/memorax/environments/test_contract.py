"""The laws of `memorax.environments.types.Environment`, over every POPGym task and a few others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from memorax.environments import make
from memorax.environments.popgym import TASKS
from memorax.environments.spaces import Box, Discrete
from memorax.environments.types import Environment
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.registry import ENVIRONMENTS, resolve

POPGYM = [f"popgym::{task}" for task in TASKS]
CART_POLES = ("NoisyPositionOnlyCartPole", "PositionOnlyCartPole", "VelocityOnlyCartPole")
PENDULUMS = ("NoisyPositionOnlyPendulum", "PositionOnlyPendulum")
MAY_END_EARLY = ("Battleship", "Concentration", "MineSweeper", *CART_POLES)
MAY_TRUNCATE = ("MultiarmedBandit", *MAY_END_EARLY, *PENDULUMS)
GYMNAX = [f"gymnax::{name}" for name in ("CartPole-v1", "Catch-bsuite", "MemoryChain-bsuite", "MetaMaze-misc")]
GYMNAX += [f"gymnax::{name}" for name in ("Pendulum-v1", "UmbrellaChain-bsuite")]
WRAPPED = "RecordEpisodeStatistics(gymnax::Catch-bsuite)"
BRAX = "brax::inverted_pendulum"
GRIDS = [f"navix::{name}" for name in ("MemoryS7", "DoorKey-5x5", "KeyCorridorS3R1", "RedBlueDoors-6x6")]
GRIDS += ["xminigrid::MiniGrid-MemoryS8"]
OTHER_NAVIX = (  # of every family one, and what is seen in another way
    *("Empty-5x5", "Empty-Random-5x5", "DoorKey-Random-5x5", "FourRooms-7x7", "LavaGapS5", "SimpleCrossingS9N1"),
    *("LavaCrossingS9N1", "Dynamic-Obstacles-5x5", "DistShift1", "GoToDoor-5x5", "GoToObject-6x6-N2", "Unlock"),
    *("UnlockPickup", "BlockedUnlockPickup", "Fetch-5x5-N2", "PutNear-6x6-N2", "MemoryS9", "MemoryS11", "LockedRoom"),
    *("MemoryS13Random", "ObstructedMaze-1Dlhb", "MultiRoom-N2-S4", "Playground"),
)
OTHER_XMINIGRID = (
    *("BlockedUnlockPickUp", "DoorKey-5x5", "Empty-5x5", "EmptyRandom-5x5", "FourRooms", "LockedRoom", "Unlock"),
    "UnlockPickUp",
)
OTHER_GRIDS = [f"navix::{name}" for name in OTHER_NAVIX]
OTHER_GRIDS += [f"xminigrid::MiniGrid-{name}" for name in OTHER_XMINIGRID]
SEEN = {"navix::MemoryS9": {"observation": "pixels"}, "navix::MemoryS11": {"observation": "full"}}
NUM_ENVS = 8


def build(name):
    if name == WRAPPED:
        env, params = make("gymnax::Catch-bsuite")
        return RecordEpisodeStatistics(env), params
    if name == BRAX:
        pytest.importorskip("brax", reason="brax (extra 'brax') is not installed")
        return make(name, episode_length=5)
    if name in GRIDS or name in OTHER_GRIDS:
        library = name.partition("::")[0]
        pytest.importorskip(library, reason=f"{library} (extra {library!r}) is not installed")
        return make(name, max_steps=20, **SEEN.get(name, {}))
    return make(name)


def trees_agree(a, b):
    """Exactly in integers; in floats to a rounding, which may depend on what the compiler fuses."""

    def agree(x, y):
        same = jnp.allclose(x, y, rtol=1e-5, atol=1e-5) if jnp.issubdtype(x.dtype, jnp.floating) else x == y
        return jnp.all(same) & (x.shape == y.shape)

    return jnp.array([agree(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)]).all()


def rollout_programs(env, params, num_steps):
    """Jitted `reset(key)` and `roll(key, state)` of a random policy, and the list of traces of `roll`."""
    action_space, traces = env.action_space(params), []

    def step(state, key):
        action_key, step_key = jax.random.split(key)
        action = action_space.sample(action_key)
        after, next_state, reward, terminated, truncated, info = env.step(step_key, state, action, params)
        # The auto-reset, restated: what step_env says, unless done; then what a reset says.
        step_key, reset_key = jax.random.fold_in(step_key, 0), jax.random.fold_in(step_key, 1)
        stepped, stepped_state, *_ = env.step_env(step_key, state, action, params)
        fresh, fresh_state = env.reset(reset_key, params)
        done = terminated | truncated
        expected = jax.tree.map(lambda a, b: jnp.where(done, a, b), (fresh, fresh_state), (stepped, stepped_state))
        laws = {
            "observation and state are a fresh reset's after done, else the step's": trees_agree(
                (after, next_state), expected
            ),
            "final_observation is the observation before the reset": trees_agree(info["final_observation"], stepped),
        }
        return next_state, (action, after, reward, terminated, truncated, info, laws)

    @jax.jit
    def roll(key, state):
        traces.append(1)
        run = jax.vmap(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, num_steps)))
        return run(state, jax.random.split(key, NUM_ENVS))

    reset = jax.jit(lambda key: jax.vmap(lambda key: env.reset(key, params))(jax.random.split(key, NUM_ENVS)))
    return reset, roll, traces


def episode_lengths(done):
    """Lengths of the completed episodes of `done` `[NUM_ENVS, T]`, each row beginning with an episode."""
    return np.concatenate([np.diff(np.flatnonzero(row), prepend=-1) for row in done])


@pytest.mark.parametrize(
    "name",
    [*POPGYM, *GYMNAX, *GRIDS, BRAX, WRAPPED, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHER_GRIDS)],
)
def test_contract(name):
    env, params = build(name)
    limit = env.max_episode_steps(params)
    assert isinstance(limit, int)
    batch = (NUM_ENVS, limit + 10)
    reset, roll, traces = rollout_programs(env, params, limit + 10)

    observation, state = reset(jax.random.key(0))
    next_state, trajectory = roll(jax.random.key(1), state)
    actions, observations, rewards, terminated, truncated, info, laws = trajectory

    assert env.observation_space(params).contains(observation, (NUM_ENVS,))
    assert env.observation_space(params).contains(observations, batch)
    assert env.observation_space(params).contains(info["final_observation"], batch)
    assert env.action_space(params).contains(actions, batch)
    for law, holds in laws.items():
        assert np.all(holds), law

    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (jnp.float32, jnp.bool_, jnp.bool_)
    assert rewards.shape == terminated.shape == truncated.shape == batch
    for leaf in jax.tree.leaves((observation, state, trajectory)):
        assert leaf.dtype not in (jnp.float64, jnp.int64)
        assert np.all(np.isfinite(leaf)), leaf

    lengths = episode_lengths(np.asarray(terminated | truncated))
    assert len(lengths) >= NUM_ENVS  # every environment has crossed a boundary
    assert lengths.max() <= limit
    assert env.can_truncate or not np.any(truncated)
    if name in POPGYM:
        family = type(env).__name__
        assert family in MAY_END_EARLY or set(lengths.tolist()) == {limit}
        assert env.can_truncate == (family in MAY_TRUNCATE)

    def same(a, b):
        return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))

    assert same(roll(jax.random.key(1), state)[1], trajectory)
    assert not same(roll(jax.random.key(2), state)[1], trajectory)
    assert shapes(next_state) == shapes(state)
    # A stepped state goes where a reset one went: no weak type, shape or dtype drifts, so nothing is traced again.
    roll(jax.random.key(3), next_state)
    assert len(traces) == 1


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("namespace", ENVIRONMENTS)
def test_observations_of_every_listed_task_are_what_its_space_says(namespace, part):
    library = "numpy" if namespace == "popgym" else namespace  # ours needs no other
    pytest.importorskip(library, reason=f"{library} (extra {library!r}) is not installed")
    for name in list(resolve(f"{ENVIRONMENTS[namespace]}:tasks")())[part::4]:
        env, params = make(f"{namespace}::{name}")
        action, key = env.action_space(params).zeros(), jax.random.key(0)
        first, state = jax.eval_shape(lambda key, env=env, params=params: env.reset(key, params), key)
        step = lambda key, state, env=env, params=params, action=action: env.step_env(key, state, action, params)  # noqa: E731
        stepped, after, reward, terminated, truncated, _ = jax.eval_shape(step, key, state)

        said = env.observation_space(params).zeros()
        assert shapes(first) == shapes(stepped) == shapes(said), name
        assert shapes(after) == shapes(state), name
        assert shapes((reward, terminated, truncated)) == shapes((jnp.float32(0), jnp.bool_(0), jnp.bool_(0))), name


def shapes(tree):
    return jax.tree.structure(tree), [(x.shape, x.dtype) for x in jax.tree.leaves(tree)]


@struct.dataclass
class CountdownState:
    left: jax.Array


class Countdown(Environment):
    """Three steps; terminated and truncated at once. `drop_state` breaks the structure on stepping."""

    default_params = None
    can_truncate = True

    def __init__(self, drop_state=False):
        self.drop_state = drop_state

    def observation_space(self, params):
        return Discrete(4)

    def action_space(self, params):
        return Box(0.0, 1.0)

    def max_episode_steps(self, params):
        return 3

    def reset_env(self, key, params):
        return jnp.int32(3), CountdownState(jnp.int32(3))

    def step_env(self, key, state, action, params):
        left = state.left - 1
        stepped = () if self.drop_state else CountdownState(left)
        return left, stepped, jnp.float32(1), left == 0, left == 0, {"left": left}


def test_auto_reset_by_hand():
    env, key = Countdown(), jax.random.key(0)
    observation, state = env.reset(key, None)
    seen = []
    for _ in range(4):
        observation, state, reward, terminated, truncated, info = env.step(key, state, jnp.float32(0), None)
        assert reward == 1
        seen.append((*map(int, (observation, info["final_observation"], info["left"])), bool(terminated & truncated)))
    assert seen == [(2, 2, 2, False), (1, 1, 1, False), (3, 0, 0, True), (2, 2, 2, False)]


def test_a_step_that_changes_the_structure_of_the_state_is_a_value_error():
    env, key = Countdown(drop_state=True), jax.random.key(0)
    _, state = env.reset(key, None)
    with pytest.raises(ValueError, match=r"auto-reset: reset_env returns .* but step_env returns"):
        env.step(key, state, jnp.float32(0), None)


def test_an_incomplete_environment_cannot_be_built():
    class Incomplete(Countdown):
        can_truncate = Environment.can_truncate

    with pytest.raises(TypeError, match="can_truncate"):
        Incomplete()
