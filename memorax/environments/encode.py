"""From what an environment says to what a network reads: float32 arrays, without parameters."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple


def encoded_shape(space: Space) -> tuple[int, ...]:
    """The shape, without batch dimensions, of what `encode(space, x)` returns; `ValueError` for an unknown space."""
    match space:
        case Discrete():
            return (space.n,)
        case MultiDiscrete():
            return (sum(space.nvec),)
        case Box():
            return space.shape
        case Tuple() | Dict():
            return (sum(math.prod(encoded_shape(child)) for _, child in _children(space)),)
    raise _unknown_space(space)


def encode(space: Space, x: Any) -> jax.Array:
    """`x`, leaves `[*batch, ...]` for any number of batch dimensions, as one float32 `[*batch, *encoded_shape]`.

    Discrete: one-hot. MultiDiscrete: the one-hots of its entries, concatenated. Box: float32, shape kept. Tuple and
    Dict (keys sorted): the encodings of the children, each flattened, concatenated. An integer outside of its range
    becomes zeros, as everywhere in JAX no value is checked.

    Raises `ValueError` when the structure, a shape or the kind of a dtype is not that of `space`.
    """
    match space:
        case Discrete():
            return jax.nn.one_hot(_checked(space, x, jnp.integer), space.n, dtype=jnp.float32)
        case MultiDiscrete():
            entries = _checked(space, x, jnp.integer)
            one_hots = [jax.nn.one_hot(entries[..., i], n, dtype=jnp.float32) for i, n in enumerate(space.nvec)]
            return jnp.concatenate(one_hots, axis=-1)
        case Box():
            return _checked(space, x, jnp.number).astype(jnp.float32)
        case Tuple() | Dict():
            return jnp.concatenate([_flat(child, _part(space, x, name)) for name, child in _children(space)], axis=-1)
    raise _unknown_space(space)


def _children(space: Tuple | Dict) -> list[tuple[Any, Space]]:
    return list(enumerate(space.spaces)) if isinstance(space, Tuple) else list(space.spaces)


def _part(space: Tuple | Dict, x: Any, name: Any) -> Any:
    expected, found = (tuple, "a tuple") if isinstance(space, Tuple) else (dict, "a dict")
    if not isinstance(x, expected) or len(x) != len(space.spaces):
        names = [name for name, _ in _children(space)]
        raise ValueError(f"encode: got {type(x).__name__} for {space}; give {found} with exactly the entries {names}")
    if isinstance(x, dict) and name not in x:
        raise ValueError(f"encode: the dict has keys {sorted(x)}, but {space} needs {name!r}; add or rename it")
    return x[name]


def _flat(space: Space, x: Any) -> jax.Array:
    encoded = encode(space, x)
    shape = encoded_shape(space)
    return encoded.reshape(*encoded.shape[: encoded.ndim - len(shape)], math.prod(shape))


def _checked(space: Any, x: Any, kind: Any) -> jax.Array:
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, kind):
        raise ValueError(
            f"encode: dtype {x.dtype.name} does not belong to {space}; cast to {np.dtype(space.dtype).name}"
        )
    if x.ndim < len(space.shape) or x.shape[x.ndim - len(space.shape) :] != space.shape:
        raise ValueError(
            f"encode: shape {x.shape} does not end in {space.shape}, the shape of {space}; batch goes first"
        )
    return x


def _unknown_space(space: Any) -> ValueError:
    return ValueError(f"encode: {space!r} is not a space; use Discrete, MultiDiscrete, Box, Tuple or Dict")
