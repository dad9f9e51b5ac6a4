"""RNN: any flax recurrent cell as a torso, with fast paths for the cells it knows exactly."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import gru, lstm, slstm
from memorax.networks.sequence_models.rules import SequenceRule, by_hand_pays
from memorax.networks.sequence_models.scans import clear
from memorax.networks.types import Carry, SequenceModel

# Keyed by exact type: a subclass may override anything, so it takes the generic path, which is always right.
_SEQUENCE_RULES: dict[type, SequenceRule] = {
    nn.GRUCell: gru.flax_sequence_rule,
    nn.LSTMCell: lstm.flax_sequence_rule,
    nn.OptimizedLSTMCell: lstm.flax_sequence_rule,
    gru.GRUCell: gru.sequence_rule,
    lstm.LSTMCell: lstm.sequence_rule,
    slstm.SLSTMCell: slstm.sequence_rule,
}
_UNITS, _UNITS_OF = 2, {slstm.SLSTMCell: 8}  # of width to an environment, from which on the fast path pays on CPUs


def _sequence_rule(cell: nn.RNNCellBase) -> SequenceRule | None:
    """The fast path of a cell: only for one whose options (gate functions, dtypes, ...) are all at their default."""
    rule = _SEQUENCE_RULES.get(type(cell))
    free = {"features", "config", "parent", "name"}
    options = [field for field in dataclasses.fields(cell) if field.name not in free]
    return rule if all(getattr(cell, option.name) == option.default for option in options) else None


class RNN(SequenceModel):
    """A torso from a flax cell: `RNN(cell=nn.GRUCell(features=64))`.

    The cell's `__call__(carry, x[B, F]) -> (carry, y[B, D])` is scanned over time; its memory is cleared before it
    reads the first observation of an episode.

    strategy: "auto" (chosen by backend, batch and width), "autodiff" (a plain scan of any cell) or "by_hand" (for the
        cells that have one, the reverse scan written by hand); all compute the same function
    """

    cell: nn.RNNCellBase
    strategy: str = "auto"

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self.cell.initialize_carry(jax.random.key(0), (batch, 1))

    @property
    def strategies(self) -> list[str]:
        """What this cell can be scanned by."""
        return ["autodiff", *["by_hand"] * (_sequence_rule(self.cell) is not None)]

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        fresh = self.initialize_carry(x.shape[0])
        if x.shape[1] == 1:
            carry, y = self.cell(clear(start[:, 0], fresh, carry), x[:, 0])
            return carry, y[:, None]
        xs, starts = jnp.swapaxes(x, 0, 1), start.T  # time-major
        if self._by_hand(carry) and not self.is_initializing():
            carry, ys = _sequence_rule(self.cell)(self.cell.variables["params"], xs, starts, carry)
            return carry, jnp.swapaxes(ys, 0, 1)

        def step(cell: nn.RNNCellBase, carry: Carry, inputs: tuple) -> tuple[Carry, jax.Array]:
            start_t, x_t = inputs
            return cell(clear(start_t, fresh, carry), x_t)

        scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
        carry, ys = scan(self.cell, carry, (starts, xs))
        return carry, jnp.swapaxes(ys, 0, 1)

    @nn.nowrap
    def _by_hand(self, carry: Carry) -> bool:
        if self.strategy not in ("auto", *self.strategies):
            raise ValueError(
                f"strategy {self.strategy!r} is not available for {type(self.cell).__name__} with its options; "
                f"use one of {['auto', *self.strategies]}"
            )
        if self.strategy != "auto":
            return self.strategy == "by_hand"
        batch, width = jax.tree.leaves(carry)[0].shape[:2]
        pays = by_hand_pays(batch, width, _UNITS_OF.get(type(self.cell), _UNITS), jax.default_backend())
        return "by_hand" in self.strategies and pays
