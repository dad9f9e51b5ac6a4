"""What observations and actions look like: hashable data, comparable with `==`, the same inside and outside of jit.

Every method that takes `batch_shape` means leading dimensions that precede the shape of one element.
"""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Bounds beyond this count as absent: the width of such an interval overflows float32, so no uniform can cover it.
_UNBOUNDED = float(np.finfo(np.float32).max) / 4


class Space(abc.ABC):
    """A set of arrays, or of structures of arrays."""

    @abc.abstractmethod
    def sample(self, key: jax.Array) -> Any:
        """One random element, uniform where the space is bounded."""

    @abc.abstractmethod
    def contains(self, x: Any, batch_shape: tuple[int, ...] = ()) -> bool:
        """Whether concrete `x`, leaves `[*batch_shape, ...]`, has this structure, shape, kind of dtype and bounds."""

    @abc.abstractmethod
    def zeros(self, batch_shape: tuple[int, ...] = ()) -> Any:
        """Zeros with the structure, shapes `[*batch_shape, ...]` and dtypes of this space."""


def _within(x: Any, shape: tuple[int, ...], kinds: str, low: Any, high: Any) -> bool:
    array = np.asarray(x)
    # numpy calls bfloat16's kind "V"; to JAX it is a float like any other.
    kind = "f" if jnp.issubdtype(array.dtype, jnp.floating) else array.dtype.kind
    return array.shape == shape and kind in kinds and bool(np.all(array >= low) and np.all(array <= high))


def _random_digits(key: jax.Array, shape: tuple[int, ...], n: Any) -> jax.Array:
    """Integers in 0 .. n-1, off uniform by less than n / 2**32; several times cheaper than `randint`."""
    return (jax.random.bits(key, shape, jnp.uint32) % n).astype(jnp.int32)


def _positive(owner: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{owner}: {name} is {value!r}; it must be an integer >= 1")
    return int(value)


@dataclass(frozen=True)
class Discrete(Space):
    """The integers 0 .. n-1; an element is an int32 scalar."""

    n: int
    shape = ()
    dtype = np.dtype(np.int32)

    def __post_init__(self):
        object.__setattr__(self, "n", _positive("Discrete", "n", self.n))

    def sample(self, key):
        return _random_digits(key, (), self.n)

    def contains(self, x, batch_shape=()):
        return _within(x, tuple(batch_shape), "iu", 0, self.n - 1)

    def zeros(self, batch_shape=()):
        return jnp.zeros(batch_shape, jnp.int32)


@dataclass(frozen=True)
class MultiDiscrete(Space):
    """Vectors of integers, entry i in 0 .. nvec[i]-1; an element is int32 `[len(nvec)]`."""

    nvec: tuple[int, ...]
    dtype = np.dtype(np.int32)

    def __post_init__(self):
        nvec = tuple(_positive("MultiDiscrete", f"nvec[{i}]", n) for i, n in enumerate(self.nvec))
        if not nvec:
            raise ValueError("MultiDiscrete: nvec is empty; give the number of values of each entry, such as (3, 5)")
        object.__setattr__(self, "nvec", nvec)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.nvec),)

    def sample(self, key):
        return _random_digits(key, self.shape, jnp.array(self.nvec, jnp.uint32))

    def contains(self, x, batch_shape=()):
        return _within(x, (*batch_shape, *self.shape), "iu", 0, np.array(self.nvec) - 1)

    def zeros(self, batch_shape=()):
        return jnp.zeros((*batch_shape, *self.shape), jnp.int32)


@dataclass(frozen=True)
class Box(Space):
    """Arrays of `shape` and `dtype` (float or integer) with `low <= x <= high`.

    Bounds are scalars or arrays that broadcast to `shape`, infinite where there is none; they are kept as a float, or
    as a tuple of floats in C order, so that equal boxes are `==`. Unbounded entries are sampled from a normal, entries
    bounded on one side from an exponential.
    """

    low: Any
    high: Any
    shape: tuple[int, ...] = ()
    dtype: Any = np.float32

    def __post_init__(self):
        dtype = np.dtype(self.dtype)
        if not jnp.issubdtype(dtype, jnp.number) or jnp.issubdtype(dtype, jnp.complexfloating):
            raise ValueError(f"Box: dtype is {dtype.name}; it must be a float or an integer (booleans: use uint8)")
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        low, high = self._array("low", self.low), self._array("high", self.high)
        if not np.all(low <= high):
            raise ValueError(f"Box: low {self.low} is not <= high {self.high} everywhere; swap or correct the bounds")
        for name, bound in (("low", low), ("high", high)):
            flat = tuple(float(value) for value in bound.ravel())
            object.__setattr__(self, name, flat[0] if len(set(flat)) == 1 else flat)

    def _array(self, name: str, value: Any) -> np.ndarray:
        array = np.asarray(value).reshape(self.shape) if isinstance(value, tuple) else np.asarray(value)
        try:
            return np.broadcast_to(array.astype(self.dtype), self.shape)
        except ValueError:
            raise ValueError(f"Box: {name} has shape {array.shape}; it must broadcast to {self.shape}") from None

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """`low` and `high` as arrays of this space's shape and dtype."""
        return self._array("low", self.low), self._array("high", self.high)

    def sample(self, key):
        low, high = self.bounds()
        if jnp.issubdtype(self.dtype, jnp.integer):
            # The bound of randint is exclusive, and the largest int32 has no successor.
            above = np.minimum(high.astype(np.int64) + 1, np.iinfo(np.int32).max).astype(np.int32)
            return jax.random.randint(key, self.shape, low.astype(np.int32), above).astype(self.dtype)
        low, high = low.astype(np.float32), high.astype(np.float32)
        has_low, has_high = low > -_UNBOUNDED, high < _UNBOUNDED
        floor, ceiling = np.where(has_low, low, 0), np.where(has_high, high, 0)
        uniform_key, normal_key, exponential_key = jax.random.split(key, 3)
        uniform = floor + (ceiling - floor) * jax.random.uniform(uniform_key, self.shape)
        tail = jax.random.exponential(exponential_key, self.shape)
        one_sided = jnp.where(has_low, floor + tail, jnp.where(has_high, ceiling - tail, 0))
        free = jnp.where(has_low | has_high, one_sided, jax.random.normal(normal_key, self.shape))
        return jnp.clip(jnp.where(has_low & has_high, uniform, free), low, high).astype(self.dtype)

    def contains(self, x, batch_shape=()):
        kinds = "iu" if jnp.issubdtype(self.dtype, jnp.integer) else "f"
        return _within(x, (*batch_shape, *self.shape), kinds, *self.bounds())

    def zeros(self, batch_shape=()):
        return jnp.zeros((*batch_shape, *self.shape), self.dtype)


@dataclass(frozen=True)
class Tuple(Space):
    """Tuples with one element of each space."""

    spaces: tuple[Space, ...]

    def __post_init__(self):
        object.__setattr__(self, "spaces", tuple(self.spaces))

    def sample(self, key):
        keys = jax.random.split(key, len(self.spaces))
        return tuple(space.sample(k) for space, k in zip(self.spaces, keys, strict=True))

    def contains(self, x, batch_shape=()):
        if not isinstance(x, tuple) or len(x) != len(self.spaces):
            return False
        return all(space.contains(part, batch_shape) for space, part in zip(self.spaces, x, strict=True))

    def zeros(self, batch_shape=()):
        return tuple(space.zeros(batch_shape) for space in self.spaces)


@dataclass(frozen=True)
class Dict(Space):
    """Dicts with one element of each space. Takes a mapping or (key, space) pairs; kept as pairs sorted by key."""

    spaces: tuple[tuple[str, Space], ...]

    def __post_init__(self):
        pairs = self.spaces.items() if isinstance(self.spaces, Mapping) else self.spaces
        object.__setattr__(self, "spaces", tuple(sorted(pairs, key=lambda pair: pair[0])))

    def sample(self, key):
        keys = jax.random.split(key, len(self.spaces))
        return {name: space.sample(k) for (name, space), k in zip(self.spaces, keys, strict=True)}

    def contains(self, x, batch_shape=()):
        if not isinstance(x, dict) or x.keys() != dict(self.spaces).keys():
            return False
        return all(space.contains(x[name], batch_shape) for name, space in self.spaces)

    def zeros(self, batch_shape=()):
        return {name: space.zeros(batch_shape) for name, space in self.spaces}
