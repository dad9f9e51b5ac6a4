"""Drawing in proportion to weights that change: a binary tree in which every node is the sum of its two children.

The tree is one array [2 S], S a power of two: the root is node 1, the children of node n are 2 n and 2 n + 1, and leaf
i is node S + i. To set or to draw takes log2(S) steps. A sum is computed anew from its two children whenever one of
them changes, never by adding differences: rounding does not accumulate, a sum of zeros is zero, and so a leaf of weight
zero is never drawn.

Source: Schaul et al. 2016, arXiv 1511.05952, appendix B.2.1.
"""

import jax
import jax.numpy as jnp


def empty(leaves: int) -> jax.Array:
    """All weights zero."""
    return jnp.zeros(2 << (leaves - 1).bit_length())


def total(tree: jax.Array) -> jax.Array:
    return tree[1]


def get(tree: jax.Array, leaves: jax.Array) -> jax.Array:
    return tree[tree.size // 2 + leaves]


def put(tree: jax.Array, leaves: jax.Array, weights: jax.Array, where: jax.Array) -> jax.Array:
    """Sets weights[K] >= 0 of leaves[K] where where[K]. Of several weights for one leaf the largest stays, so that the
    outcome does not depend on the order in which a device writes."""
    nodes = jnp.where(where, tree.size // 2 + leaves, tree.size)  # a node outside the tree is not written
    tree = tree.at[nodes].set(0.0, mode="drop").at[nodes].max(weights, mode="drop")

    def one_level_up(level: jax.Array, tree: jax.Array) -> jax.Array:
        parents = (tree.size // 2 + leaves) >> level
        sums = tree[2 * parents] + tree[2 * parents + 1]
        return tree.at[jnp.where(where, parents, tree.size)].set(sums, mode="drop")

    return jax.lax.fori_loop(1, tree.size.bit_length() - 1, one_level_up, tree)


def draw(tree: jax.Array, key: jax.Array, count: int) -> jax.Array:
    """`count` independent leaves, each with probability weight / total; leaf 0 while all weights are zero.

    Every level has a random number of its own, so that the resolution of one does not limit how small a share of the
    total can be drawn.
    """
    levels = tree.size.bit_length() - 2

    def one_level_down(nodes: jax.Array, uniform: jax.Array) -> tuple[jax.Array, None]:
        left, right = tree[2 * nodes], tree[2 * nodes + 1]
        return 2 * nodes + ((right > 0) & (uniform * (left + right) >= left)), None

    nodes, _ = jax.lax.scan(one_level_down, jnp.ones(count, jnp.int32), jax.random.uniform(key, (levels, count)))
    return nodes - tree.size // 2
