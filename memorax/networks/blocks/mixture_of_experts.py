"""MixtureOfExperts: feed-forward layers of which a router picks a few for each step.

Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", arXiv 1701.06538, equations 1 and 3-5, without its
noise (a torso is deterministic); Fedus et al. 2021, "Switch Transformers", arXiv 2101.03961, equations 2 and 4-6:

    p = softmax(W_r x)
    y = sum over the top_k experts e of g_e FFN_e(x)
        g_e = p_e / (sum of the top_k p) for top_k > 1 (Shazeer), p_e for top_k = 1 (Switch: else no gradient is left)
    loss = balance * num_experts * sum_e f_e P_e
        f_e: share of the choices that fell on e;   P_e: mean of p_e;   1 * balance where both are uniform
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp


class MixtureOfExperts(nn.Module):
    """Each step by itself: x[..., F] -> y[..., features]. The balancing loss is left in the collection "losses".

    A step's experts depend on that step alone: no expert is ever full, so acting and learning agree. All experts are
    computed, as two matrix products; the cost is that of an `FFN` with expand * num_experts, and what is sparse is
    which experts are heard and learn.
    """

    features: int  # width of the output
    num_experts: int = 4
    top_k: int = 2  # experts heard at a step
    expand: int = 4  # hidden width of an expert, in multiples of features
    balance: float = 0.01  # weight of the balancing loss; as in Switch
    activation: Callable[[jax.Array], jax.Array] = nn.relu

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if not 1 <= self.top_k <= self.num_experts:
            raise ValueError(
                f"MixtureOfExperts: top_k = {self.top_k} must be between 1 and num_experts = {self.num_experts}"
            )
        probability = nn.softmax(nn.Dense(self.num_experts, use_bias=False, name="router")(x))  # [..., E]
        chosen = _top_k(probability, self.top_k)
        gate = jnp.where(chosen, probability, 0.0)
        if self.top_k > 1:
            gate /= gate.sum(-1, keepdims=True)
        tokens = tuple(range(x.ndim - 1))
        share = chosen.astype(probability.dtype).mean(tokens) / self.top_k
        load_balance = self.num_experts * (share * probability.mean(tokens)).sum()
        self.sow("losses", "load_balance", self.balance * load_balance)

        width = self.expand * self.features
        hidden = self.activation(nn.Dense(self.num_experts * width, name="input")(x))
        heard = hidden.reshape(*x.shape[:-1], self.num_experts, width) * gate[..., None]
        # lecun_normal of one expert's matrix, side by side; the sum over experts is part of the product
        kernel = self.param(
            "output", nn.initializers.lecun_normal(batch_axis=0), (self.num_experts, width, self.features)
        )
        bias = self.param("output_bias", nn.initializers.zeros, (self.num_experts, self.features))
        return heard.reshape(hidden.shape) @ kernel.reshape(-1, self.features) + gate @ bias


def _top_k(probability: jax.Array, k: int) -> jax.Array:
    """True for the k largest of the last axis; of equal ones, the first."""
    _, index = jax.lax.top_k(probability, k)
    return nn.one_hot(index, probability.shape[-1], dtype=bool).any(-2)
