"""Random numbers of a step, hashed from its key.

Auto-reset draws a new episode at every step, so draws are most of what a step costs. `Environment.step` hands out keys
fresh from the generator, two random words each. To ask the generator for bits of such a key costs as much again as to
make the key (on CPUs JAX runs it as a loop); to hash its words costs next to nothing.
"""

import jax
import jax.numpy as jnp
import numpy as np


def seed_of(key: jax.Array) -> jax.Array:
    """Two words of `key`, uint32 `[2]`: typed or raw, of whatever generator."""
    return (jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key)[:2]


def word(seed: jax.Array, i: int | jax.Array) -> jax.Array:
    """Number i of `seed`, uint32 scalar: for each i uniform over all seeds, and for different i independent.

    Good for the few numbers of a step: together they have the 64 bits of the seed.
    """
    # Odd multiples of the golden ratio keep seeds and numbers apart. Hashed twice, even small seeds look random.
    offset = jnp.asarray(i).astype(jnp.uint32) * jnp.uint32(0x9E3779B9)
    return _hash(seed[0] ^ _hash(seed[1] + offset))


def words(key: jax.Array, n: int) -> list[jax.Array]:
    """The first n numbers of `key`, uint32 scalars."""
    seed = seed_of(key)
    return [word(seed, i) for i in range(n)]


def uniform(word: jax.Array) -> jax.Array:
    """The float32 in [0, 1) that a random word gives: one of 2**24 equally likely ones."""
    return (word >> 8).astype(jnp.float32) * jnp.float32(2**-24)


def normal(word: jax.Array) -> jax.Array:
    """The float32 that a random word gives, from a standard normal: one of 2**24 values, all within 5.5."""
    # An odd number of 25 bits, centred: exact in float32, symmetric, and never an end of the interval.
    centred = ((word >> 7) | 1).astype(jnp.int32) - 2**24
    return jnp.float32(np.sqrt(2)) * jax.lax.erf_inv(centred.astype(jnp.float32) * jnp.float32(2**-24))


def _hash(word: jax.Array) -> jax.Array:
    """A bijection of uint32 in which every bit moves every other: the finaliser of MurmurHash3 (Appleby 2008)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
