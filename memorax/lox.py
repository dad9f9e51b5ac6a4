"""Logging from inside compiled code: `log` values anywhere, `spool` them out of the function as arrays.

    def update(state, key):
        ...
        lox.log({"loss/policy": loss, "step": state.step})
        return state, None

    def train(key, state):
        state, _ = lox.scan(update, state, jax.random.split(key, 100))
        return state

    state, logs = lox.spool(train)(key, state)     # logs["loss/policy"].shape == (100,)

Every logged leaf gains one leading axis, the rows; rows logged under the same key follow one another.
The collector works while JAX traces: a boundary that opens a new trace (`jit`, `scan`, `cond`, gradients) has to
carry the rows across, so use this module's `jit`, `scan`, `cond`, `grad` and `value_and_grad` around code that logs.
Logging inside the plain JAX transformation is an error that says so; no row is ever dropped or leaked.
`jax.vmap(lox.spool(f))` and `jax.jit(lox.spool(f))` are supported. Without `spool`, `log` costs nothing, and the
function computes the same bits.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.extend
import jax.numpy as jnp

Logs = dict[str, Any]


class _Scope:
    """Rows collected in one trace."""

    def __init__(self) -> None:
        self.trace = _current_trace()
        self.rows: Logs = {}


class _Current(threading.local):
    scope: _Scope | None = None  # the innermost open scope of this thread; None: nobody spools


_current = _Current()

# Part of jax.jit's cache key: a function that a plain `jax.jit` traced without rows is traced again under `spool`,
# and then says that it cannot be seen through, instead of silently logging nothing.
_spooling = jax.make_user_context(False)


def _current_trace() -> Any:
    return jax.extend.core.get_opaque_trace_state(convention="flax")


@contextlib.contextmanager
def _open_scope() -> Iterator[_Scope]:
    outer, _current.scope = _current.scope, _Scope()
    try:
        with _spooling(True):
            yield _current.scope
    finally:
        _current.scope = outer


@contextlib.contextmanager
def _no_scope() -> Iterator[None]:
    outer, _current.scope = _current.scope, None
    try:
        yield
    finally:
        _current.scope = outer


def _append(rows: Logs) -> None:
    """Add rows (every leaf with its leading row axis) to the open scope."""
    scope = _current.scope
    if scope.trace != _current_trace():
        raise RuntimeError(
            f"lox.log({{{', '.join(map(repr, rows))}}}) was called inside a jax transformation that the enclosing "
            "lox.spool cannot see through. Replace jax.jit, jax.lax.scan, jax.lax.cond, jax.grad or "
            "jax.value_and_grad around it by lox.jit, lox.scan, lox.cond, lox.grad or lox.value_and_grad, "
            "put vmap outside of spool, or return the value and log it outside."
        )
    for name, new in rows.items():
        old = scope.rows.get(name)
        scope.rows[name] = new if old is None else jax.tree.map(lambda a, b: jnp.concatenate([a, b]), old, new)


def log(values: Logs) -> None:
    """Log one row: a dict from a flat `group/name` key to an array or a pytree of arrays. Free when nobody spools."""
    if _current.scope is not None:
        _append(jax.tree.map(lambda value: jnp.asarray(value)[None], values))


def spool(f: Callable) -> Callable:
    """`f`, returning `(output, logs)`; `logs` maps each logged key to its rows, stacked on a leading axis."""

    @functools.wraps(f)
    def spooled(*args: Any, **kwargs: Any) -> tuple[Any, Logs]:
        with _open_scope() as scope:
            output = f(*args, **kwargs)
        return output, scope.rows

    return spooled


def jit(f: Callable, **options: Any) -> Callable:
    """`jax.jit` for a function that logs. Two compiled variants, with and without rows, each cached.

    The result has `.lower`, that of the variant without rows.
    """

    @functools.wraps(f)
    def silent(*args: Any, **kwargs: Any) -> Any:
        with _no_scope():
            return f(*args, **kwargs)

    jit_silent, jit_spooled = jax.jit(silent, **options), jax.jit(spool(f), **options)

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _current.scope is None:
            return jit_silent(*args, **kwargs)
        output, rows = jit_spooled(*args, **kwargs)
        _append(rows)
        return output

    call.lower = jit_silent.lower
    return call


def scan(f: Callable, init: Any, xs: Any = None, length: int | None = None, **options: Any) -> tuple[Any, Any]:
    """`jax.lax.scan` whose body logs: n rows a step become n * length rows, in the order of the steps
    (also with `reverse=True`: row i belongs to `xs[i]`)."""
    if _current.scope is None:
        return jax.lax.scan(f, init, xs, length, **options)

    def body(carry: Any, x: Any) -> tuple[Any, Any]:
        (carry, y), rows = spool(f)(carry, x)
        return carry, (y, rows)

    carry, (ys, rows) = jax.lax.scan(body, init, xs, length, **options)
    _append(jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), rows))
    return carry, ys


def cond(predicate: Any, true_fun: Callable, false_fun: Callable, *operands: Any) -> Any:
    """`jax.lax.cond` whose branches log the same keys with the same shapes."""
    if _current.scope is None:
        return jax.lax.cond(predicate, true_fun, false_fun, *operands)
    keys = [sorted(jax.eval_shape(spool(branch), *operands)[1]) for branch in (true_fun, false_fun)]
    if keys[0] != keys[1]:
        raise ValueError(f"both branches of lox.cond must log the same keys; they log {keys[0]} and {keys[1]}")
    output, rows = jax.lax.cond(predicate, spool(true_fun), spool(false_fun), *operands)
    _append(rows)
    return output


def value_and_grad(f: Callable, has_aux: bool = False, **options: Any) -> Callable:
    """`jax.value_and_grad` of a loss that logs."""

    def loss_with_rows(*args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, Logs]]:
        if _current.scope is None:
            output, rows = f(*args, **kwargs), {}
        else:
            output, rows = spool(f)(*args, **kwargs)
        return (output[0] if has_aux else output), (output, rows)

    def call(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        (_, (output, rows)), gradient = jax.value_and_grad(loss_with_rows, has_aux=True, **options)(*args, **kwargs)
        if rows:
            _append(rows)
        return output, gradient

    return call


def grad(f: Callable, has_aux: bool = False, **options: Any) -> Callable:
    """`jax.grad` of a loss that logs."""

    def call(*args: Any, **kwargs: Any) -> Any:
        output, gradient = value_and_grad(f, has_aux, **options)(*args, **kwargs)
        return (gradient, output[1]) if has_aux else gradient

    return call
