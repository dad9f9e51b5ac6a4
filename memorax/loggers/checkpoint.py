"""States on disk, the last and the best, to go on from bit for bit."""

import math
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np

from memorax.loggers.base import Logger, missing
from memorax.loggers.rows import Rows


class CheckpointLogger(Logger):
    """Keeps two of the states given to `checkpoint`: the last, and the one with the largest score.

        logger = CheckpointLogger("runs/ppo")
        if logger.saved():
            state = logger.restore(like=jax.eval_shape(agent.init, key))

    A state is any pytree; typed keys are part of it. A checkpoint becomes visible when it is whole: whoever is killed
    while it is written finds the one before. A folder belongs to one run: scores of another would compete.
    """

    def __init__(self, folder: str | os.PathLike):
        try:
            import orbax.checkpoint as orbax
            from orbax.checkpoint import checkpoint_managers as policies
        except ImportError as error:
            raise missing("CheckpointLogger", "orbax-checkpoint", "checkpoint") from error
        self.folder, self.orbax = Path(folder).absolute(), orbax
        last, best = policies.LatestN(1), policies.BestN(get_metric_fn=_rank, n=1)
        self.manager = orbax.CheckpointManager(
            self.folder,
            options=orbax.CheckpointManagerOptions(
                step_prefix="checkpoint",  # numbered as they came: a run that went back may come by a step twice
                best_fn=_rank,
                preservation_policy=policies.AnyPreservationPolicy([last, best]),
                enable_async_checkpointing=False,
                cleanup_tmp_directories=True,
            ),
        )

    def __str__(self) -> str:
        return f"CheckpointLogger({str(self.folder)!r})"

    def write(self, rows: Rows) -> None:
        """Keeps no rows."""

    def save(self, state: Any, step: int, score: float | None) -> None:
        number = max(self.manager.all_steps(), default=-1) + 1
        leaves = {name: _data(leaf) for name, leaf in _named(state)}
        leaves = {name: data for name, data in leaves.items() if data.size}  # orbax refuses empty arrays
        self.manager.save(
            number, args=self.orbax.args.StandardSave(leaves), metrics={"step": step, "score": score}, force=True
        )

    def finish(self, crashed: bool) -> None:
        self.manager.close()

    def saved(self) -> dict[str, int]:
        """Environment steps of the checkpoints there are: `{"last": 4096, "best": 2048}`; no "best" without scores."""
        return {which: metrics["step"] for which, (_, metrics) in self._kept().items()}

    def restore(self, like: Any, which: Literal["last", "best"] = "last") -> Any:
        """The state that was saved, in the structure of `like`, every leaf bit for bit.

        `like` is a state of the same agent, or its shapes: `jax.eval_shape(agent.init, key)`. FileNotFoundError where
        there is no such checkpoint; ValueError names the leaves that differ from those of `like`.
        """
        import jax

        kept = self._kept()
        if which not in kept:
            raise FileNotFoundError(f"{self.folder} has no {which!r} checkpoint; it has {sorted(kept) or 'none'}")
        stored = self.manager.restore(kept[which][0], args=self.orbax.args.StandardRestore())
        wanted = {name: _shape(leaf) for name, leaf in _named(like)}
        stored = {name: np.zeros(shape.shape, shape.dtype) for name, shape in wanted.items() if not shape.size} | stored
        _check_same(stored, wanted, f"the {which} checkpoint of {self.folder}")
        leaves = [_as(leaf, stored[name]) for name, leaf in _named(like)]
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def _kept(self) -> dict[str, tuple[int, dict]]:
        """The number and metrics of the last checkpoint and of the best.

        One without metrics was being deleted when its process was killed.
        """
        found = {number: self.manager.metrics(number) for number in sorted(self.manager.all_steps())}
        metrics = {number: values for number, values in found.items() if values is not None}
        numbers = list(metrics)
        kept = {"last": (numbers[-1], metrics[numbers[-1]])} if numbers else {}
        scored = [number for number in numbers if metrics[number]["score"] is not None]
        if scored:
            best = max(scored, key=lambda number: (metrics[number]["score"], number))
            kept["best"] = best, metrics[best]
        return kept


def _rank(metrics: dict) -> float:
    return -math.inf if metrics["score"] is None else metrics["score"]


def _is_key(leaf: Any) -> bool:
    import jax

    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _named(state: Any) -> list[tuple[str, Any]]:
    """Leaves under their paths; the name of a typed key says of which generator it is."""
    import jax

    paths = jax.tree_util.tree_flatten_with_path(state)[0]
    return [(jax.tree_util.keystr(path) + (f" {leaf.dtype}" if _is_key(leaf) else ""), leaf) for path, leaf in paths]


def _data(leaf: Any) -> np.ndarray:
    """What is stored of a leaf."""
    import jax

    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _shape(leaf: Any) -> Any:
    """Of what is stored: an object with `shape`, `dtype` and `size`."""
    import jax

    if _is_key(leaf):
        return jax.eval_shape(jax.random.key_data, leaf)
    return leaf if isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) else np.asarray(leaf)


def _as(like: Any, value: np.ndarray) -> Any:
    """`value` as the kind of leaf that `like` is."""
    import jax

    if _is_key(like):
        implementations: list = []  # of a key that may be a mere shape: known while it is traced
        jax.eval_shape(lambda key: implementations.append(jax.random.key_impl(key)), like)
        return jax.random.wrap_key_data(jax.numpy.asarray(value), impl=implementations[0])
    if isinstance(like, bool | int | float):
        return type(like)(value.item())
    return value if isinstance(like, np.ndarray | np.generic) else jax.numpy.asarray(value)


def _check_same(stored: dict, wanted: dict, where: str) -> None:
    def text(leaves: dict, name: str) -> str:
        return f"{leaves[name].dtype}{list(leaves[name].shape)}" if name in leaves else "nothing"

    names = sorted(stored.keys() | wanted.keys())
    wrong = [
        f"{name or 'the state'}: stored {text(stored, name)}, `like` has {text(wanted, name)}"
        for name in names
        if text(stored, name) != text(wanted, name)
    ]
    if wrong:
        more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise ValueError(f"{where} is of another agent than `like`: {'; '.join(wrong[:5])}{more}")
