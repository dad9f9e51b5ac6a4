"""The functions that algorithms share, against hand-computed numbers and simpler cases."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.algorithms import losses
from memorax.algorithms.acting import Timestep, episode_sums, first_timestep, network_inputs
from memorax.algorithms.checks import check_fields
from memorax.algorithms.minibatches import over_environments, take
from memorax.environments.spaces import Discrete


def test_policy_loss_is_pessimistic_on_both_sides():
    ratio, advantage = jnp.array([1.5, 1.5, 0.5, 0.5]), jnp.array([1.0, -1.0, 1.0, -1.0])
    assert losses.clipped_policy_loss(ratio, advantage, 0.2) == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)


def test_value_losses():
    value, old, target = jnp.array([2.0, 0.0]), jnp.array([0.0, 0.0]), jnp.array([1.0, 1.0])
    assert losses.value_loss(value, target) == pytest.approx(0.5)
    # clipped to 0.5: (2-1)^2 = 1 against (0.5-1)^2 = 0.25 -> 1; and (0-1)^2 = 1 both ways
    assert losses.clipped_value_loss(value, old, target, 0.5) == pytest.approx(0.5)
    assert losses.clipped_value_loss(jnp.array([1.0]), old[:1], target[:1], 0.5) == pytest.approx(0.125)


def test_normalize_and_explained_variance():
    normal = losses.normalize(jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=1e-6)
    target = jnp.array([1.0, 2.0, 3.0])
    assert losses.explained_variance(target, target) == pytest.approx(1.0)
    assert losses.explained_variance(jnp.zeros(3), target) == pytest.approx(0.0)
    assert losses.explained_variance(target, jnp.ones(3)) == 0.0  # constant targets: not NaN


def test_minibatches_are_a_permutation_of_all_environments_in_every_epoch():
    rows = over_environments(jax.random.key(0), num_envs=12, num_minibatches=3, epochs=4)
    assert rows.shape == (12, 4)
    epochs = np.array(rows).reshape(4, 12)
    assert (np.sort(epochs, 1) == np.arange(12)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_take_keeps_sequences_whole():
    batch = {"x": jnp.arange(12).reshape(4, 3)}
    assert take(batch, jnp.array([2, 0]))["x"].tolist() == [[6, 7, 8], [0, 1, 2]]


def test_nothing_comes_before_an_episode():
    """At a start the previous action and reward are zeros, whatever is stored; action 0 elsewhere is not nothing."""
    timestep = Timestep(jnp.array([1, 1]), jnp.array([True, False]), jnp.array([0, 0]), jnp.array([5.0, 5.0]))
    inputs = network_inputs(timestep, Discrete(3), Discrete(2))
    assert inputs.previous_action.tolist() == [[0, 0], [1, 0]]
    assert inputs.previous_reward.tolist() == [0, 5]
    assert inputs.observation.tolist() == [[0, 1, 0], [0, 1, 0]]


def test_first_timestep_is_a_start():
    timestep = first_timestep(jnp.array([1, 2, 0]), Discrete(2))
    assert timestep.start.all()
    assert timestep.previous_action.shape == timestep.previous_reward.shape == (3,)


def test_episode_sums_count_only_what_ended():
    info = {"episode": {"return": jnp.array([1.0, 2.0, 4.0]), "length": jnp.array([10, 20, 40])}}
    sums = episode_sums(info, jnp.array([True, False, True]))
    assert (sums.count, sums.return_sum, sums.length_sum) == (2, 5, 50)
    assert episode_sums({}, jnp.array([True])).count == 0


@dataclasses.dataclass(frozen=True)
class Example:
    n: int = 1
    share: float = 0.5
    flag: bool = True

    def __post_init__(self):
        check_fields(self, at_least_one=("n",), fractions=("share",))


def test_a_config_names_all_that_is_wrong_with_it():
    with pytest.raises(
        ValueError, match=r"Example: n = 0 must be .* at least 1; share = 2 must be between 0 and 1; flag = 1"
    ):
        Example(n=0, share=2, flag=1)
    with pytest.raises(ValueError, match="n = True"):
        Example(n=True)
    with pytest.raises(ValueError, match=r"n = 1\.5"):
        Example(n=1.5)
