"""Suites and results of any size, which no training made: for what grows with the number of records.

Skill is made up of the torso, the difficulty of the task and chance, so that tables have an order and ties.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memorax_bench.records.curves import FILE
from memorax_bench.records.record import encode
from memorax_bench.records.store import RECORD, cell_path_parts
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite, load_suite
from speed.made_up import make_record

TORSOS = (
    *("gru", "lstm", "lru", "s5", "mamba", "mamba2", "mamba3", "min_gru", "min_lstm", "mlstm", "slstm", "rtu", "shm"),
    *("ffm", "gla", "retnet", "delta_net", "gated_delta_net", "linear_attention", "attention", "gpt2", "gtrxl"),
    *("transformer_xl", "xlstm", "frame_stack", "mlp_time"),
)
CONTROLS = ("mlp", "mlp-prev")
FAMILIES = (
    *("RepeatPrevious", "Autoencode", "CountRecall", "Concentration", "Battleship", "MineSweeper"),
    *("MultiarmedBandit", "HigherLower", "RepeatFirst", "VelocityOnlyCartPole", "PositionOnlyCartPole"),
    "NoisyPositionOnlyCartPole",
)
LEVELS = ("Easy", "Medium", "Hard")
_DEVICE_SPEED = 60e3  # environment steps a second of the quickest torso


def suite_text(tasks: int, torsos: int, algorithms: int = 1, seeds: int = 5, reps: int = 10_000) -> str:
    """A suite of so many tasks (of up to 12 families, at least one of each before a second), torsos (the last two are
    controls) and algorithms."""
    names = [f"{family}{level}" for level in LEVELS for family in FAMILIES][:tasks]
    lines = [
        f'  {_slug(name)}: {{id: "popgym::{name}", task_version: 1, family: {name.removesuffix(level)}, '
        "hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: exact}"
        for name in names
        for level in LEVELS
        if name.endswith(level)
    ]
    players = [f"    alg{i}: {{type: ppo, num_envs: 16, num_steps: 128}}" for i in range(1, algorithms)]
    return "\n".join(
        [
            "schema: 1\nname: large\nversion: 1\ndescription: made up",
            "protocol: {total_env_steps: 1_048_576, eval_every: 65_536, eval_episodes: 64, eval_policy: sample,",
            "           inputs: [observation, previous_action, start], discount: 0.99, min_seeds: 3}",
            "tasks:",
            *lines,
            f"scoring: {{interval: {{method: bootstrap, level: 0.95, reps: {reps}, seed: 0}}}}",
            f"rankings: {{torsos: {{algorithms: [{', '.join(['ppo', *(f'alg{i}' for i in range(1, algorithms))])}],",
            f"  tasks: [{', '.join(map(_slug, names))}], baseline: gru, correction: holm}}}}",
            f"entries:\n  seeds: {seeds}\n  algorithms:\n    ppo: {{num_envs: 16, num_steps: 128}}",
            *players,
            "  torsos:",
            *(f"    {name}: {{}}" for name in TORSOS[: torsos - len(CONTROLS)]),
            "    mlp: {role: control, inputs: [observation]}",
            "    mlp-prev: {type: mlp, role: control}\n",
        ]
    )


def make_suite(folder: Path, *size: int, **settings: int) -> ResolvedSuite:
    """The suite of `suite_text`, resolved, from a file made in `folder`."""
    file = Path(folder) / "large.yaml"
    file.write_text(suite_text(*size, **settings), encoding="utf-8")
    return load_suite(str(file))


def fill_all(results_dir: Path, resolved: ResolvedSuite, together: int = 5) -> int:
    """A record for each `together` seeds of each cell, where `run` would put it; how many there are.

    Written without waiting for the disk, as nobody minds losing them.
    """
    count = 0
    for cell in resolved.cells:
        for first in range(0, len(resolved.seeds), together):
            seeds = resolved.seeds[first : first + together]
            record, curves = make_record(
                resolved, cell, finals(cell, seeds), seeds=seeds, cost=cost(cell), speed=speed(cell)
            )
            folder = Path(results_dir).joinpath(*cell_path_parts(resolved.label, cell), record.run_id)
            folder.mkdir(parents=True)
            (folder / RECORD).write_bytes(encode(record))
            (folder / FILE).write_bytes(curves)
            count += 1
    return count


def finals(cell: Cell, seeds: Sequence[int]) -> list[float]:
    """Raw final returns of these seeds: what the torso can do, less what the task asks, and chance."""
    skill = 0.0 if cell.role == "control" else 0.35 + 0.6 * _number("skill", cell.torso_label)
    asked = 0.7 * _number("asked", cell.task_label) + 0.2 * _number("fit", cell.task_label, cell.torso_label)
    room = cell.task.ceiling - cell.task.floor
    found = []
    for seed in seeds:
        luck = 0.4 * (_number("luck", *cell.labels, str(seed)) - 0.5)
        reached = 1.0 / (1.0 + np.exp(-9.0 * (skill - asked + luck - 0.15)))
        found.append(float(np.clip(cell.task.floor + room * reached, cell.task.hard_min, cell.task.hard_max)))
    return found


def cost(cell: Cell) -> dict[str, int]:
    """Sizes that differ between torsos."""
    if cell.role == "control":
        return {"torso_parameters": 4160, "state_bytes": 0}
    return {
        "torso_parameters": int(50_000 * (0.96 + 0.08 * _number("size", cell.torso_label))),
        "state_bytes": 4 * 2 ** (5 + int(9 * _number("state", cell.torso_label))),
    }


def speed(cell: Cell) -> float:
    """Environment steps a second, within a factor of 12 between torsos."""
    return _DEVICE_SPEED * 12.0 ** -(0.0 if cell.role == "control" else _number("speed", cell.torso_label))


def _number(*names: str) -> float:
    """In [0, 1), of the names alone."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:6], "big") / 2**48


def _slug(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).strip("-")
