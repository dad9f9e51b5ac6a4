"""What an agent costs: floating-point operations from its program, parameters, bytes of memory an environment."""

import dataclasses
import math
from typing import Any

import jax
from jax.extend import core

COUNTER = "jaxpr@1"  # the version of the counting rules; a record says which counted


def count_flops(jaxpr: Any) -> int:
    """Floating-point operations of matrix products and convolutions in a jaxpr, loops multiplied by their length.

    A product of [m, k] and [k, n] counts 2 m k n. Of a `cond` the dearest branch counts, as under `vmap` all run;
    a `while`, whose length is not known, counts once. Elementwise work is left out: it is not what separates models.
    XLA's own `cost_analysis` cannot serve: it counts a loop's body once, whatever the loop's length.
    """
    return sum(_count(equation) for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns)


def _count(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    inner = [count_flops(sub) for sub in core.jaxprs_in_params(params)]
    if not inner:
        return product_flops(equation)
    if name == "cond":
        return max(inner)
    return sum(inner) * (params["length"] if name == "scan" else 1)


def product_flops(equation: Any) -> int:
    """Of one matrix product or convolution; 0 of anything else."""
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        inner = math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
        return 2 * math.prod(equation.outvars[0].aval.shape) * inner
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval.shape
        outputs = kernel[params["dimension_numbers"].rhs_spec[0]]
        return 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(kernel) // outputs
    return 0


def parameter_count(params: Any) -> int:
    """Numbers in a pytree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def byte_count(tree: Any) -> int:
    """Bytes of a pytree of arrays or shapes."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@dataclasses.dataclass(frozen=True)
class TorsoCost:
    """What a torso needs by itself, without what is in front of it and behind it."""

    parameters: int
    state_bytes: int  # of one environment's memory
    flops: int  # of one forward step of one environment


def torso_cost(torso: Any, inputs: int) -> TorsoCost:
    """Of a torso that reads `inputs` numbers a step; from shapes alone, nothing is compiled or computed."""

    def shapes() -> tuple[Any, Any, Any, Any]:
        x, start = jax.numpy.zeros((1, 1, inputs)), jax.numpy.zeros((1, 1), bool)
        carry = torso.initialize_carry(1)
        return torso.init(jax.random.key(0), x, start, carry), x, start, carry

    params, x, start, carry = jax.eval_shape(shapes)
    step = jax.make_jaxpr(torso.apply)(params, x, start, carry)
    return TorsoCost(parameter_count(params.get("params", {})), byte_count(carry), count_flops(step))
