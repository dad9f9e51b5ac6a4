"""Rows as runs of Weights & Biases, one a seed."""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from memorax.loggers.base import Logger, missing
from memorax.loggers.rows import Rows

FLUSH = 0.02  # seconds between the times that wandb writes what it was given to its file
PATIENCE = 5.0  # seconds to wait for that


class WandbLogger(Logger):
    """One run a seed, named `name-seed_0`, `name-seed_1`, ..., all in the group `name`, with `step` as their x axis.

    `config` is shown with every run, and `seed` added to it. `mode="offline"` needs no account and no network:
    `wandb sync` uploads later. `options` go to `wandb.init`: `entity`, `tags`, `notes`, `dir`, ...
    """

    def __init__(
        self,
        project: str,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        mode: str | None = None,
        **options: Any,
    ):
        try:
            import wandb
        except ImportError as error:
            raise missing("WandbLogger", "wandb", "wandb") from error
        self.wandb, self.project, self.name = wandb, project, name or time.strftime("%Y%m%d-%H%M%S")
        self.config, self.options = config or {}, {"mode": mode, **options}
        self.runs = [self._run(0)]  # now, so that a wrong key or project is an error and not a warning

    def __str__(self) -> str:
        return f"WandbLogger({self.project!r}, {self.name!r})"

    def write(self, rows: Rows) -> None:
        seeds = rows.step.shape[0]
        self.runs += [self._run(seed) for seed in range(len(self.runs), seeds)]
        files = [Path(run.settings.sync_file) for run in self.runs[:seeds]]
        sizes = [_size(file) for file in files]
        for seed, row in rows:
            self.runs[seed].log(row)
        for run in self.runs[:seeds]:
            if run.offline:
                run.status()  # answered after the rows before it have been taken; online, it might wait for the network
        _wait_until_written(files, sizes)

    def save(self, state: Any, step: int, score: float | None) -> None:
        """Keeps no states."""

    def finish(self, crashed: bool) -> None:
        with contextlib.ExitStack() as stack:  # one that fails does not keep the others from finishing
            for run in self.runs:
                stack.callback(run.finish, exit_code=int(crashed))

    def _run(self, seed: int) -> Any:
        run = self.wandb.init(
            project=self.project,
            group=self.name,
            name=f"{self.name}-seed_{seed}",
            config={**self.config, "seed": seed},
            reinit="create_new",
            settings=self.wandb.Settings(silent=True, console="off", x_transaction_log_flush_interval=FLUSH),
            **self.options,
        )
        run.define_metric("*", step_metric="step")
        return run


def _size(file: Path) -> int:
    return os.stat(file).st_size if file.exists() else 0


def _wait_until_written(files: list[Path], sizes: list[int]) -> None:
    """Returns when every file has outgrown its size and rests.

    wandb hands rows to another process, which ends with this one and then loses what it has not written yet.
    """
    until = time.monotonic() + PATIENCE
    before, now = sizes, [_size(file) for file in files]
    while any(file.exists() for file in files) and time.monotonic() < until:
        grown = all(size > old for size, old in zip(now, sizes, strict=True))
        if grown and now == before:
            return
        time.sleep(2 * FLUSH)
        before, now = now, [_size(file) for file in files]
