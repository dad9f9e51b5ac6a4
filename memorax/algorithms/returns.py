"""Returns and advantages of batches of sequences; the maths is rlax's, for one sequence."""

import jax
import rlax


def generalized_advantages(
    rewards: jax.Array, done: jax.Array, values: jax.Array, last_value: jax.Array, gamma: float, gae_lambda: float
) -> jax.Array:
    """Generalized advantage estimation, backwards in time:

        delta_t = r_t + gamma (1 - done_t) v_{t+1} - v_t
        A_t = delta_t + gamma lambda (1 - done_t) A_{t+1}

    rewards, done, values: [B, T]; last_value: [B], the value of what follows the last step. `done` is True at the
    last step of an episode; where an episode was cut by time, gamma times the value of its final observation has
    to be in the reward already. Returns [B, T].

    Source: Schulman et al. 2016, arXiv 1506.02438, equations 11-16.
    """
    values = jax.numpy.concatenate([values, last_value[:, None]], 1)
    estimate = jax.vmap(rlax.truncated_generalized_advantage_estimation, in_axes=(0, 0, None, 0))
    return estimate(rewards, gamma * (1.0 - done), gae_lambda, values)
