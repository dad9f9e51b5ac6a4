"""A memory of your own: a recurrence in four parts, and the laws by which an agent acts as it learns.

The cell keeps the largest value that each of its features has had in the episode: s_t = max(s_{t-1}, W x_t). Maxima of
maxima are maxima, so that steps can be joined without a state, and the sequence be computed in parallel.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks import Memoroid, MemoroidCell, laws


@dataclasses.dataclass(frozen=True)
class PeakConfig:
    features: int  # width of the output
    peaks: int = 32  # numbers in the state


class PeakCell(MemoroidCell):
    config: PeakConfig

    def setup(self):
        self.input = nn.Dense(self.config.peaks)
        self.output = nn.Dense(self.config.features)

    @nn.nowrap
    def initial_state(self, batch):
        return jnp.full((batch, self.config.peaks), -1e4)  # below whatever is seen; finite, for the sake of gradients

    def lift(self, x, start, window):
        """All projections of the input: (window, element of the recurrence, context of the output)."""
        return window, self.input(x), x

    def step(self, state, element):
        return jnp.maximum(state, element)

    @property
    def associative(self):
        return True

    @nn.nowrap
    def combine(self, left, right):
        return jnp.maximum(left, right)

    def read(self, state, context):
        return state

    def project(self, readout, context):
        """All projections of the output, from what was read of the states."""
        return self.output(jnp.concatenate([readout, context], -1))


def main(features: int = 64, peaks: int = 32, inputs: int = 16) -> dict[str, dict[str, float]]:
    torso = Memoroid(cell=PeakCell(config=PeakConfig(features=features, peaks=peaks)))
    measured = {}
    print("strategy      " + "  ".join(laws.LAWS) + f"   (allowed: {laws.TOLERANCE:.0e})")
    with jax.default_matmul_precision("highest"):
        for strategy, variant in laws.variants(torso).items():
            found = jax.jit(lambda key, variant=variant: laws.measure(variant, key, inputs))(jax.random.key(0))
            measured[strategy] = {law: float(found[law]) for law in laws.LAWS}
            print(f"{strategy:12}  " + "  ".join(f"{found[law]:{len(law)}.0e}" for law in laws.LAWS))
    lawful = all(value <= laws.ALLOWED[law] for found in measured.values() for law, value in found.items())
    print("every law holds" if lawful else "a law is broken: the policy that learns would not be the one that acts")
    return measured


if __name__ == "__main__":
    main()
