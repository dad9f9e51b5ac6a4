"""Returns and advantages of batches of sequences; the maths is rlax's, for one sequence."""

import jax
import jax.numpy as jnp
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
    values = jnp.concatenate([values, last_value[:, None]], 1)
    estimate = jax.vmap(rlax.truncated_generalized_advantage_estimation, in_axes=(0, 0, None, 0))
    return estimate(rewards, gamma * (1.0 - done), gae_lambda, values)


def lambda_returns(
    rewards: jax.Array, done: jax.Array, next_values: jax.Array, gamma: float, td_lambda: float
) -> jax.Array:
    """Returns that mix all numbers of steps, backwards in time:

        G_t = r_t + gamma (1 - done_t) [lambda G_{t+1} + (1 - lambda) v_{t+1}],   G_T = v_T

    rewards, done, next_values: [B, T], the last the values of what follows each step. `done` as in
    `generalized_advantages`. Returns [B, T].

    Source: Sutton and Barto 2018, "Reinforcement Learning", equation 12.18, off-policy as in Peng and Williams 1996.
    """
    estimate = jax.vmap(rlax.lambda_returns, in_axes=(0, 0, 0, None))
    return estimate(rewards, gamma * (1.0 - done), next_values, td_lambda)


def n_step_targets(
    values: jax.Array,
    probabilities: jax.Array,
    rewards: jax.Array,
    terminated: jax.Array,
    cut: jax.Array,
    gamma: float,
    n: int,
) -> tuple[jax.Array, jax.Array]:
    """n-step targets of a replayed window, as weighted points:

        F_t^0 = v_t,   F_t^m = v_t where cut_t, else r_t + gamma (1 - terminated_t) F_{t+1}^{m-1},   target_t = F_t^n

    values, probabilities: [B, L, M], what the states of the window are worth; rewards, terminated, cut: [B, L]. Where
    a limit cut an episode, what followed was not kept: a target reaches up to the cut and bootstraps there. The cut
    step itself has no target, it is its own value: leave it out of the loss. Returns [B, L - n, M] twice.
    """
    target, weight = values, probabilities
    for _ in range(n):
        here, last = slice(None, target.shape[1] - 1), cut[:, : target.shape[1] - 1, None]
        going_on = gamma * (1.0 - terminated[:, here, None])
        later = rewards[:, here, None] + going_on * target[:, 1:]
        target = jnp.where(last, values[:, here], later)
        weight = jnp.where(last, probabilities[:, here], weight[:, 1:])
    return target, weight
