"""Memoroid: any `MemoroidCell` as a torso, with resets, scan strategies and stepping.

Source: the algebra of resettable monoids, Morad et al. 2024, "Revisiting Recurrent RL with Memory Monoids",
arXiv 2402.09900, section 4.
"""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

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
        run = scans.only_step if x.shape[1] == 1 else scans.STRATEGIES[self._strategy(x.shape[1])]
        span = functools.partial(_run, run)
        in_spans = run is not scans.associative and scans.spans_pay(x.shape, jax.default_backend())
        if not in_spans or self.is_initializing():
            return span(self.cell, carry, x, start)
        batch, time, _ = x.shape
        whole = time - time % scans.SPAN

        def spans(leaf: jax.Array) -> jax.Array:  # [B, n * L, ...] -> [n, B, L, ...]
            return jnp.swapaxes(leaf[:, :whole].reshape(batch, -1, scans.SPAN, *leaf.shape[2:]), 0, 1)

        body = nn.remat(lambda cell, carry, xs: span(cell, carry, *xs), prevent_cse=False)
        scan = nn.scan(body, variable_broadcast="params", split_rngs={"params": False})
        carry, y = scan(self.cell, carry, (spans(x), spans(start)))
        y = jnp.swapaxes(y, 0, 1).reshape(batch, whole, *y.shape[3:])
        if whole == time:
            return carry, y
        carry, rest = span(self.cell, carry, x[:, whole:], start[:, whole:])
        return carry, jnp.concatenate([y, rest], 1)

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


def _run(run: Callable, cell: MemoroidCell, carry: Carry, x: jax.Array, start: jax.Array) -> tuple[Carry, jax.Array]:
    """Lift, scan by the strategy `run`, project."""
    window, element, context = cell.lift(x, start, carry["window"])
    # Under low precision a window would take the dtype of what it is cut from.
    window = jax.tree.map(lambda new, old: new.astype(old.dtype), window, carry["window"])
    state, readout = run(cell, cell.initial_state(x.shape[0]), carry["state"], start, element, context)
    return {"window": window, "state": state}, cell.project(readout, context)
