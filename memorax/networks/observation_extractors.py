"""Observation extractors: from encoded observations [B, T, ...] to features [B, T, F], each step by itself.

They are what `FeatureExtractor` takes as `observation_extractor`; `Embedding` serves previous actions as well.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memorax.networks.types import check_sizes


class CNN(nn.Module):
    """Convolutions with relu, flattened, and a linear map: images [B, T, H, W, C] of any size -> [B, T, features].

    strides: of each layer; 1 keeps the size of an image, 2 halves it (rounded up: padding is 'SAME')

    Values are read as they come: scale bytes to [0, 1] before.
    """

    channels: tuple[int, ...] = (16, 32)  # of each layer
    kernel: int = 3  # height and width
    strides: tuple[int, ...] = (2, 2)
    features: int = 64  # width of the output

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        check_sizes(self, "kernel", "features", each=("channels", "strides"))
        _check_image(self, x)
        if len(self.strides) != len(self.channels):
            raise ValueError(
                f"CNN: channels = {self.channels} and strides = {self.strides} must have one entry a layer each"
            )
        batch, time, *image = x.shape
        x = x.reshape(batch * time, *image)
        for index, (width, stride) in enumerate(zip(self.channels, self.strides, strict=True)):
            layer = nn.Conv(width, (self.kernel, self.kernel), stride, padding="SAME", name=f"layer_{index}")
            x = nn.relu(layer(x))
        return nn.Dense(self.features, name="output")(x.reshape(batch, time, -1))


class ViT(nn.Module):
    """A vision transformer: images [B, T, H, W, C] -> [B, T, features].

    Patches of `patch` x `patch` pixels, mapped linearly, get learned positions and pass through pre-norm layers of
    attention and FFN; the output is the mean over patches, without a class token, which the paper's appendix D.4 finds
    to do as well. `ValueError` unless patch divides H and W. An image is attended to by itself: steps do not mix.

    Source: Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words", arXiv 2010.11929, equations 1-4.
    """

    patch: int  # height and width, in pixels
    features: int = 64  # width of every layer and of the output
    num_layers: int = 2
    num_heads: int = 4  # divides features

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        check_sizes(self, "patch", "features", "num_layers", "num_heads")
        _check_image(self, x)
        if self.features % self.num_heads:
            raise ValueError(f"ViT needs features = {self.features} to be a multiple of num_heads = {self.num_heads}")
        x = nn.Dense(self.features, name="patches")(self._patches(x))  # [B, T, N, F]
        position = self.param("position", nn.initializers.normal(0.02), x.shape[2:])
        x += position
        for index in range(self.num_layers):
            attention = nn.MultiHeadDotProductAttention(self.num_heads, name=f"attention_{index}")
            x += attention(nn.LayerNorm(name=f"attention_norm_{index}")(x))
            hidden = nn.Dense(4 * self.features, name=f"hidden_{index}")(nn.LayerNorm(name=f"ffn_norm_{index}")(x))
            x += nn.Dense(self.features, name=f"output_{index}")(nn.gelu(hidden))
        return nn.LayerNorm(name="norm")(x).mean(-2)

    def _patches(self, x: jax.Array) -> jax.Array:
        """[B, T, H, W, C] -> [B, T, H/P * W/P, P * P * C]."""
        (batch, time, height, width, channels), size = x.shape, self.patch
        if height % size or width % size:
            allowed = [n for n in range(1, min(height, width) + 1) if height % n == width % n == 0]
            raise ValueError(
                f"ViT: patch = {size} must divide the height and width of the images, {height} x {width}; "
                f"use one of {', '.join(map(str, allowed))}"
            )
        x = x.reshape(batch, time, height // size, size, width // size, size, channels)
        return jnp.moveaxis(x, 4, 3).reshape(batch, time, -1, size * size * channels)


class Embedding(nn.Module):
    """A row of a table for each value of a Discrete space, which arrives one-hot encoded: x[B, T, n] ->
    [B, T, features]. Zeros, as where there was no previous action, give zeros.

    Rows begin normal, about 1 long.
    """

    features: int  # width of a row

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        check_sizes(self, "features")
        _check_one_hot(self, x)
        return x @ _table(self, x.shape[-1])


class MultiEmbedding(nn.Module):
    """A table for each entry of a MultiDiscrete space, which arrives as concatenated one-hots: x[B, T, sum(sizes)] ->
    [B, T, len(sizes) * features], the rows side by side. (Their sum is what `Embedding` makes of the same x.)"""

    sizes: tuple[int, ...]  # how many values each entry has: the `nvec` of the space
    features: int  # width of a row

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        check_sizes(self, "features", each=("sizes",))
        _check_one_hot(self, x)
        if x.shape[-1] != sum(self.sizes):
            raise ValueError(
                f"MultiEmbedding: x has width {x.shape[-1]}, and sizes = {self.sizes} add up to {sum(self.sizes)}; "
                f"give the nvec of the MultiDiscrete space"
            )
        tables, ends = _table(self, x.shape[-1]), np.cumsum(self.sizes)[:-1]
        parts = zip(jnp.split(x, ends, -1), jnp.split(tables, ends), strict=True)
        return jnp.concatenate([one_hot @ table for one_hot, table in parts], -1)


def _table(module: nn.Module, rows: int) -> jax.Array:
    return module.param("table", nn.initializers.normal(module.features**-0.5), (rows, module.features))


def _check_image(module: nn.Module, x: jax.Array) -> None:
    if x.ndim != 5 or 0 in x.shape:
        raise ValueError(
            f"{type(module).__name__} reads images [B, T, H, W, C]; these observations are {x.shape}. Use nn.Dense for "
            f"vectors, do not flatten images, and give one without channels an axis of size 1 at its end"
        )


def _check_one_hot(module: nn.Module, x: jax.Array) -> None:
    if x.ndim != 3 or not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(
            f"{type(module).__name__} reads one-hot vectors, float [B, T, n]; got {x.dtype.name} {x.shape}. Encode "
            f"integers first: `memorax.environments.encode`, as algorithms do"
        )
