"""RTRL: exact gradients of a recurrence from windows of any length, one step included.

Source: Williams and Zipser 1989, "A Learning Algorithm for Continually Running Fully Recurrent Neural Networks"; for
diagonal recurrences Mozer 1989, Zucchetti et al. 2023, "Online learning of long-range dependencies", arXiv 2305.15947:

    dL/dw = dL/dw (of this window, its first state s held fixed) + sum_j dL/ds_j E_j,    E_j = ds_j/dw carried along

Truncated backpropagation leaves out the second term: what a parameter did before the window. Where unit j of the
state has parameters of its own, E has one number for each parameter, so it can be carried.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.memoroid import Memoroid
from memorax.networks.types import Carry, MemoroidCell, SequenceModel

Traces = Any  # for each leaf of the state a pytree like the parameters, leaves [B, *their shape]


class RTRL(SequenceModel):
    """`Memoroid(cell, strategy)` with the same parameters and outputs, whose carry remembers what it owes to them:

        RTRL(cell=LRUCell(config=LRUConfig(features=64)), inputs=64)

    cell: one that is `diagonal`: LRU, RTU, S5, minGRU, minLSTM
    inputs: width of x, which the size of the carry depends on
    strategy: as of `Memoroid`

    The gradients of the recurrence's own parameters are those of backpropagation through the whole past, as long as
    the parameters do not change; afterwards the traces are slightly old, as with every use of RTRL. Gradients of x,
    and so of what is in front of the torso, end at the window. Every call costs a second pass for each leaf of the
    state, and the carry holds as many numbers again as the recurrence has parameters, for each leaf.
    """

    cell: MemoroidCell
    inputs: int
    strategy: str = "auto"

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        memory = Memoroid(self.cell).initialize_carry(batch)
        traces = jax.tree.map(lambda leaf: jnp.zeros((batch, *leaf.shape)), self._recurrent_parameters())
        return {"memory": memory, "traces": [traces for _ in jax.tree.leaves(memory["state"])]}

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        if x.shape[-1] != self.inputs:
            raise ValueError(f"RTRL(inputs={self.inputs}) read x of width {x.shape[-1]}; use inputs={x.shape[-1]}")
        memory, traces = carry["memory"], carry["traces"]
        if self.is_initializing():
            return carry, Memoroid(self.cell, self.strategy)(x, start, memory)[1]
        torso = Memoroid(self.cell.clone(parent=None), self.strategy)
        every = self.cell.variables["params"]
        own = {name: every[name] for name in self._recurrent_parameters()}

        def run(own: Any, x: jax.Array, start: jax.Array, memory: Carry, traces: list[Traces]) -> tuple[Carry, Any]:
            memory = {**memory, "state": _owe(memory["state"], traces, own)}
            return torso.apply({"params": {"cell": {**every, **own}}}, x, start, memory)

        def last_traces(*of_one: Any) -> list[Traces]:
            """Gradients of the last state; a sum over units keeps them apart, as each has its own parameters."""
            arguments = jax.tree.map(lambda leaf: leaf[None], of_one)
            state, pull = jax.vjp(lambda own: run(own, *arguments)[0]["state"], own)
            leaves, tree = jax.tree.flatten(state)
            ones = [[jnp.full_like(leaf, float(i == j)) for j, leaf in enumerate(leaves)] for i in range(len(leaves))]
            return [pull(tree.unflatten(one))[0] for one in ones]

        after, y = run(own, x, start, memory, traces)
        return {"memory": after, "traces": jax.lax.stop_gradient(jax.vmap(last_traces)(x, start, memory, traces))}, y

    @nn.nowrap
    def _recurrent_parameters(self) -> Any:
        """Shapes of the parameters of `lift`. `ValueError` where units share them."""
        name = type(self.cell).__name__
        if not self.cell.diagonal:
            raise ValueError(f"RTRL needs a diagonal recurrence, whose units share no parameters; {name} has none")
        x, start = jnp.zeros((1, 1, self.inputs)), jnp.zeros((1, 1), bool)
        cell = self.cell.clone(parent=None)
        init = lambda key: cell.init(key, x, start, cell.initial_window(1), method="lift")["params"]  # noqa: E731
        return dict(jax.eval_shape(init, jax.random.key(0)))


@jax.custom_vjp
def _owe(state: Any, traces: list[Traces], own: Any) -> Any:
    """`state`, with the gradient with respect to the parameters `own` that its traces tell."""
    return state


def _owe_forward(state: Any, traces: list[Traces], own: Any) -> tuple[Any, list[Traces]]:
    return state, traces


def _owe_backward(traces: list[Traces], d_state: Any) -> tuple[Any, list[Traces], Any]:
    def owed(d_unit: jax.Array, trace: jax.Array) -> jax.Array:  # d_unit[B, S], trace[B, ..., parts * S]
        units = d_unit.shape[-1]
        by_unit = trace.reshape(trace.shape[0], -1, trace.shape[-1] // units, units)
        return jnp.einsum("bs,brps->rps", d_unit, by_unit).reshape(trace.shape[1:])

    parts = [
        jax.tree.map(lambda trace, d=d_leaf: owed(d, trace), trace)
        for d_leaf, trace in zip(jax.tree.leaves(d_state), traces, strict=True)
    ]
    return d_state, jax.tree.map(jnp.zeros_like, traces), jax.tree.map(lambda *leaves: sum(leaves), *parts)


_owe.defvjp(_owe_forward, _owe_backward)
