"""ObGD: gradient steps that do not overshoot the TD error they were made for.

Source: Elsayed, Vasan and Mahmood 2024, "Streaming Deep Reinforcement Learning Finally Works", arXiv 2410.14606,
algorithm "overshooting-bounded gradient descent". From one error delta and a trace z, with the step size alpha:

    w' = w + alpha' delta z,    alpha' = min(alpha, 1 / (kappa max(|delta|, 1) |z|_1))

A single example has no others to average out a step that is too long: one that turns an error into a larger one of
the other sign. Written by the step alone, u = alpha delta z before the bound, this is

    u' = u min(1, b / |u|_1),    b = min(|delta|, 1) / kappa

so that it bounds the steps of any optimizer; behind `optax.sgd` it is the paper's. It promises |u'|_1 <= b.
"""

import jax
import jax.numpy as jnp
import optax


def bounded(change: optax.Updates, td_error: jax.Array, kappa: float) -> optax.Updates:
    """A change of parameters that was made for the errors td_error[B], shrunk to the bound; of a mean over B streams
    the bound is the mean of theirs, which a mean of steps that were bounded one by one keeps too."""
    allowed = jnp.minimum(jnp.abs(td_error), 1.0).mean() / kappa
    length = sum(jnp.abs(leaf).sum() for leaf in jax.tree.leaves(change))
    share = jnp.where(length > allowed, allowed / jnp.maximum(length, jnp.finfo(jnp.float32).tiny), 1.0)
    return jax.tree.map(lambda leaf: (share * leaf).astype(leaf.dtype), change)


def obgd(optimizer: optax.GradientTransformation, kappa: float) -> optax.GradientTransformationExtraArgs:
    """`optimizer`, its steps bounded. `update` needs one argument more: `td_error`, [B].

    kappa: the larger, the shorter; a value that is linear in features of at most 1 does not overshoot from 1 on
    """

    def update(change, state, params=None, *, td_error, **other):
        return bounded(change, td_error, kappa), state

    bound = optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)
    return optax.chain(optimizer, bound)
