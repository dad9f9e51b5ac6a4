"""What cannot be injected is drawn as the original draws it: the start and the noise of the controls.

Each law gives p-values by name. Those of a test are taken together and corrected by Holm's method; the keys are fixed,
so that a sound draw passes for ever. Each law is shown to hold for the original's own draws and to fail on biased ones.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fixtures.distributions import independent_p, keys, original, rejected
from memorax.environments.popgym import cart_pole, pendulum
from memorax.environments.popgym.noisy_position_only_cart_pole import NoisyPositionOnlyCartPole
from memorax.environments.popgym.noisy_position_only_pendulum import NoisyPositionOnlyPendulum


def sample_laws(values, names, cdfs):
    """P-values that the columns of `values` are distributed as `cdfs` say and independent of each other."""
    columns = dict(zip(names, values.T, strict=True))
    laws = {name: scipy.stats.kstest(columns[name], cdf).pvalue for name, cdf in zip(names, cdfs, strict=True)}
    return laws | {f"{a} and {b}": independent_p(columns[a], columns[b]) for a, b in itertools.combinations(names, 2)}


def uniform_cdf(bound):
    return scipy.stats.uniform(-bound, 2 * bound).cdf


START_NAMES = {"CartPole": ["x", "x'", "angle", "angle'"], "Pendulum": ["angle", "angle'"]}
START_CDFS = {"CartPole": [uniform_cdf(0.05)] * 4, "Pendulum": [uniform_cdf(np.pi), uniform_cdf(1.0)]}


def our_starts(system, n):
    initial = {"CartPole": cart_pole.initial, "Pendulum": pendulum.initial}[system]
    return np.asarray(jax.jit(jax.vmap(initial))(keys(0, n)), np.float64)


def original_starts(system, n):
    env, states = original(f"position_only_{system.lower()}", f"PositionOnly{system}Easy"), []
    env.reset(seed=0)
    for _ in range(n):
        env.reset()
        states.append(env.state)
    return np.array(states)


@pytest.mark.parametrize("system", ["CartPole", "Pendulum"])
def test_controls_start_as_the_original(system):
    names, cdfs = START_NAMES[system], START_CDFS[system]
    our, theirs = our_starts(system, 20_000), original_starts(system, 2000)
    laws = {f"ours, {law}": p for law, p in sample_laws(our, names, cdfs).items()}
    laws |= {f"original, {law}": p for law, p in sample_laws(theirs, names, cdfs).items()}
    for i, name in enumerate(names):
        laws[f"same {name}"] = scipy.stats.ks_2samp(our[:, i], theirs[:, i]).pvalue
    assert rejected(laws) == set()


def test_biased_starts_are_caught():
    names, cdfs = START_NAMES["CartPole"], START_CDFS["CartPole"]
    starts = our_starts("CartPole", 20_000)
    assert rejected(sample_laws(starts * np.array([1, 1.05, 1, 1]), names, cdfs)) == {"x'"}
    assert rejected(sample_laws(starts + np.array([0, 0, 0.002, 0]), names, cdfs)) == {"angle"}
    assert rejected(sample_laws(starts[:, [0, 1, 2, 0]], names, cdfs)) == {"x and angle'"}


NOISY = {"CartPole": NoisyPositionOnlyCartPole, "Pendulum": NoisyPositionOnlyPendulum}
NOISE_NAMES = ["reset 0", "reset 1", "step 0", "step 1", "start"]


def our_noise(system, sigma, n):
    """Columns of `NOISE_NAMES`: the noise of two observations in a row and the first entry of the state under it.

    Noise is recovered from observations, without the clipping of either.
    """
    env, params = NOISY[system].create(noise_sigma=sigma)
    silent = env.create(noise_sigma=0.0)[1]

    def draw(key):
        reset_key, step_key = jax.random.split(key)
        seen, state = env.reset_env(reset_key, params)
        clear, _ = env.reset_env(reset_key, silent)
        action = env.action_space(params).zeros()
        seen_next, clear_next = (env.step_env(step_key, state, action, p)[0] for p in (params, silent))
        return jnp.concatenate([seen - clear, seen_next - clear_next, state.physical[:1]])

    return np.asarray(jax.jit(jax.vmap(draw))(keys(0, n)), np.float64)


@pytest.fixture
def no_clipping(monkeypatch):
    monkeypatch.setattr(jnp, "clip", lambda x, low, high: x)


def noise_cdfs(system, sigma):
    return [scipy.stats.norm(0, sigma).cdf] * 4 + START_CDFS[system][:1]


@pytest.mark.parametrize("system", ["CartPole", "Pendulum"])
def test_noise_is_normal_and_independent(system, no_clipping):
    laws = {}
    for sigma in (0.1, 0.2, 0.3):
        found = sample_laws(our_noise(system, sigma, 20_000), NOISE_NAMES, noise_cdfs(system, sigma))
        laws |= {f"{law} at {sigma}": p for law, p in found.items()}
    assert rejected(laws) == set()


@pytest.mark.parametrize("system", ["CartPole", "Pendulum"])
def test_noisy_observations_are_distributed_as_those_of_the_original(system):
    laws = {}
    for difficulty, sigma in (("Easy", 0.1), ("Medium", 0.2), ("Hard", 0.3)):
        theirs = original(f"noisy_position_only_{system.lower()}", f"NoisyPositionOnly{system}{difficulty}")
        theirs.reset(seed=1)
        theirs = np.array([theirs.reset()[0] for _ in range(1500)])
        env, params = NOISY[system].create(noise_sigma=sigma)
        our = np.asarray(jax.jit(jax.vmap(lambda key, e=env, p=params: e.reset_env(key, p)[0]))(keys(1, 20_000)))
        for i in range(2):
            laws[f"{difficulty} {i}"] = scipy.stats.ks_2samp(our[:, i], theirs[:, i]).pvalue
    assert rejected(laws) == set()


def test_biased_noise_is_caught(no_clipping):
    noise, cdfs = our_noise("CartPole", 0.2, 20_000), noise_cdfs("CartPole", 0.2)
    assert rejected(sample_laws(noise * np.array([1, 1, 1.1, 1, 1]), NOISE_NAMES, cdfs)) == {"step 0"}
    assert rejected(sample_laws(noise[:, [0, 0, 2, 3, 4]], NOISE_NAMES, cdfs)) == {"reset 0 and reset 1"}
    shared = noise.copy()
    shared[:, 0] = scipy.stats.norm(0, 0.2).ppf(cdfs[4](noise[:, 4]))
    assert rejected(sample_laws(shared, NOISE_NAMES, cdfs)) == {"reset 0 and start"}
    theirs = original("noisy_position_only_pendulum", "NoisyPositionOnlyPendulumHard")
    theirs.reset(seed=0)
    clipped = np.array([theirs.reset()[0][0] for _ in range(1500)])
    angle = our_starts("Pendulum", 20_000)[:, 0]
    assert rejected({"silent": scipy.stats.ks_2samp(np.cos(angle), clipped).pvalue}) == {"silent"}
