"""Memoroid: any `MemoroidCell` as a torso, with resets, scan strategies and stepping.

Source: the algebra of resettable monoids, Morad et al. 2024, "Revisiting Recurrent RL with Memory Monoids",
arXiv 2402.09900, section 4.
"""

import flax.linen as nn
import jax

from memorax.networks.sequence_models import scans
from memorax.networks.types import Carry, MemoroidCell, SequenceModel


class Memoroid(SequenceModel):
    """A torso from a cell: lift, then a scan by some strategy, then project.

    cell: the recurrence, for example `LRUCell(config=LRUConfig(features=64))`
    strategy: "auto" (chosen by backend and length), "sequential", "associative" or "chunked"
    """

    cell: MemoroidCell
    strategy: str = "auto"

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return {"window": self.cell.initial_window(batch), "state": self.cell.initial_state(batch)}

    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        window, element, context = self.cell.lift(x, start, carry["window"])
        # Under low precision a window would take the dtype of what it is cut from.
        window = jax.tree.map(lambda new, old: new.astype(old.dtype), window, carry["window"])
        fresh = self.cell.initial_state(x.shape[0])
        run = scans.only_step if x.shape[1] == 1 else scans.STRATEGIES[self._strategy(x.shape[1])]
        state, readout = run(self.cell, fresh, carry["state"], start, element, context)
        return {"window": window, "state": state}, self.cell.project(readout, context)

    @nn.nowrap
    def _strategy(self, time: int) -> str:
        if self.strategy == "auto":
            return scans.choose(self.cell, time, jax.default_backend())
        has = {
            "sequential": True,
            "associative": self.cell.associative,
            "chunked": self.cell.chunk_length is not None,
        }
        if not has.get(self.strategy, False):
            allowed = ["auto", *(name for name, available in has.items() if available)]
            raise ValueError(
                f"strategy {self.strategy!r} is not available for {type(self.cell).__name__}; use one of {allowed}"
            )
        return self.strategy
