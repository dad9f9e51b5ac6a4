"""Tests trained agents where they were not trained: in their own task with some of its options replaced.

Once, after training, on as many episodes as every evaluation of the protocol has.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax_bench.cell.compiling import Compiled, Lowered, lower


def lower_elsewhere(
    evaluate: Callable, places: Mapping[str, tuple[Any, Any]], keys: Any, state: Any, segment: Any
) -> dict[str, Lowered]:
    """The evaluation of all seeds in each of `places` (label -> environment and params), traced.

    evaluate(words, state, segment, env=..., env_params=...) is that of one seed.
    """
    over_seeds = partial(jax.vmap, in_axes=(0, 0, None))
    return {
        label: lower(over_seeds(partial(evaluate, env=env, env_params=params)), keys, state, segment)
        for label, (env, params) in places.items()
    }


def evaluate_elsewhere(
    programs: Mapping[str, Compiled], keys: Callable[[str], jax.Array], state: Any, finite: Sequence[bool]
) -> dict[str, Any]:
    """`{"extrapolation": label -> mean return of each seed}`, None where a seed is not finite; `{}` without programs.

    keys(role) gives every seed of the batch its key. A role per label, so that one more moves no other's episodes.
    """
    means = {}
    for label, program in programs.items():
        evaluation = program.call(keys(f"extrapolate {label}"), state, jnp.int32(0))
        returns = np.asarray(evaluation.returns).mean(1)  # [seed_batch]; the last of them are padding
        means[label] = [float(value) if ok else None for value, ok in zip(returns, finite, strict=False)]
    return {"extrapolation": means} if means else {}
