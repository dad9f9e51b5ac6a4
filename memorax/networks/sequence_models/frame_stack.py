"""FrameStack: the control that remembers the last inputs and nothing else.

Source: Mnih et al. 2015, "Human-level control through deep reinforcement learning", whose agent sees four frames:

    y_t = relu(b + sum_j W_j x_{t-j})        over j = 0 .. frames - 1, without what came before the episode

As a layer over the concatenation of the last inputs, zeros before the episode's start. The carry holds what the past
inputs will add to the next steps, so that it needs no knowledge of the inputs' width.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.positional_embeddings import count_steps
from memorax.networks.types import Carry, SequenceModel, check_sizes

_NEVER = 2**30  # steps since an episode's start, where that lies before the sequence


@dataclasses.dataclass(frozen=True)
class FrameStackConfig:
    """Sizes of a `FrameStack`."""

    features: int  # width of the output
    frames: int = 4  # inputs that are seen, at least 2: the current one is included

    def __post_init__(self):
        check_sizes(self, "features", "frames")
        if self.frames < 2:
            raise ValueError("FrameStackConfig: frames = 1 is the current input alone; use at least 2, or mlp")


class FrameStack(SequenceModel):
    """The torso. Its carry is [B, frames - 1, features]."""

    config: FrameStackConfig

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return jnp.zeros((batch, self.config.frames - 1, self.config.features))

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        config, (batch, time, width) = self.config, x.shape
        past = config.frames - 1
        init = nn.initializers.lecun_normal(in_axis=(0, 1), out_axis=2)  # as of one layer over all frames
        kernel = self.param("kernel", init, (config.frames, width, config.features))
        bias = self.param("bias", nn.initializers.zeros, (config.features,))

        # Row t is a step of the sequence, then one of the `past` steps after it. `reach`: steps since the start.
        _, reach = count_steps(jnp.pad(start, ((0, 0), (0, past))), jnp.full((batch,), _NEVER))
        begun_before = reach >= _NEVER
        total = jnp.pad(carry, ((0, 0), (0, time), (0, 0))) * begun_before[..., None]
        for lag, added in enumerate(jnp.einsum("btf,kfd->kbtd", x, kernel)):
            added = jnp.pad(added, ((0, 0), (lag, past - lag), (0, 0)))
            total += added * (lag <= reach)[..., None]
        return total[:, time:], nn.relu(total[:, :time] + bias)
