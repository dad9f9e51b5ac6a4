"""Records that no training made: valid, sealed, with plausible numbers and curves, for tests and measurements."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from memorax_bench.identity import run_id
from memorax_bench.records import curves as curve_file
from memorax_bench.records.record import Record, seal
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite

COSTS = {"mlp": (4160, 0, 190e3), "mlp-prev": (4160, 0, 185e3), "gru": (24960, 256, 84e3), "lru": (25e3, 512, 31e3)}
GATES = ("replay_equals_rollout", "reset_equals_fresh", "step_equals_sequence")
_ZERO = "0" * 64


def make_curves(cell: Cell, finals: Sequence[float | None], seeds: Sequence[int]) -> list[dict[str, float]]:
    """Rows of curves.csv.gz: returns that rise from the floor, at a time of their own, and end on `finals`."""
    protocol, task = cell.config["protocol"], cell.task
    steps = np.arange(0, protocol["total_env_steps"] + 1, protocol["eval_every"])
    rows = []
    for final, seed in zip(finals, seeds, strict=True):
        digest = hashlib.sha256(f"{cell.labels} {seed}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        end = task.floor if final is None else final
        rise = 1 / (1 + np.exp(-14 * (steps / steps[-1] - rng.uniform(0.22, 0.42))))
        rise = (rise - rise[0]) / (rise[-1] - rise[0])
        noise = rng.normal(0, 0.02 * (task.hard_max - task.hard_min), len(steps)) * (steps < steps[-1])
        means = np.clip(task.floor + (end - task.floor) * rise + noise, task.hard_min, task.hard_max)
        means = np.append(means[:-1], end)
        if final is None:
            means[len(means) // 2 :] = np.nan
        rows += [
            dict(
                zip(curve_file.COLUMNS, (seed, step, protocol["eval_episodes"], mean, 0.1, mean, mean, 51), strict=True)
            )
            for step, mean in zip(steps, means, strict=True)
        ]
    return rows


def make_record(
    resolved: ResolvedSuite,
    cell: Cell,
    finals: Sequence[float | None],
    *,
    seeds: Sequence[int] | None = None,
    code: str = "code",
    device_kind: str = "cpu",
    created_utc: str = "2026-11-22T09:00:00Z",
    gates: Mapping[str, bool] | None = None,
    not_rankable_because: Sequence[str] = (),
    steps_done: int | None = None,
    extrapolation: Mapping[str, Sequence[float | None]] | None = None,
    cost: Mapping[str, object] | None = None,
    timing: Mapping[str, object] | None = None,
    speed: float | None = None,
) -> tuple[Record, bytes]:
    """A sealed record of a cell and its curves.csv.gz; None among `finals` (raw returns) is a seed that diverged.

    `extrapolation`: label -> raw mean returns elsewhere; cost, timing: what differs from the record's usual numbers;
    `speed`: environment steps a second.
    """
    seeds = list(range(len(finals))) if seeds is None else list(seeds)
    rows = make_curves(cell, finals, seeds)
    data = curve_file.encode_curves(rows)
    code_hash = hashlib.sha256(code.encode()).hexdigest()
    protocol, batch = cell.config["protocol"], max(4, len(seeds))
    parameters, state, usual = COSTS.get(cell.torso_label, (33e3, 2048, 22e3))
    where = {"benchmark_hash": resolved.benchmark_hash, "task_label": cell.task_label, "track": cell.track}
    record = {
        "schema": 1,
        "run_id": run_id(cell.config_hash, code_hash, device_kind, batch, seeds, **where),
        "status": "ok",
        "rankable": not not_rankable_because,
        "not_rankable_because": list(not_rankable_because),
        "suite": {"name": resolved.name, "version": resolved.version, "benchmark_hash": resolved.benchmark_hash},
        "cell": {
            **dict(zip(("task", "algorithm", "torso"), cell.labels, strict=True)),
            "track": cell.track,
            "config": dict(cell.config),
            "config_hash": cell.config_hash,
            "tuning": cell.tuning,
        },
        "comparable": {
            "task_id": cell.task.id,
            "task_version": cell.task.task_version,
            "task_package": "memorax-bench 0.1.0",
            "protocol": protocol,
        },
        "code": {
            "code_hash": code_hash,
            "program_hash": _ZERO,
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty_sha256": None,
            "user_module_sha256": None,
        },
        "seeds": seeds,
        "seed_batch": batch,
        "key_scheme": 1,
        "steps_done": protocol["total_env_steps"] if steps_done is None else steps_done,
        "results": _results(finals, seeds, rows, data, protocol["eval_episodes"])
        | ({"extrapolation": extrapolation} if extrapolation else {}),
        "gates": {name: {"pass": ok} for name, ok in (gates or dict.fromkeys(GATES, True)).items()},
        "cost": {
            "parameters": int(parameters) + 8000,
            "torso_parameters": int(parameters),
            "state_bytes": state,
            "flops_per_env_step": None,
            "temp_bytes": None,
            **(cost or {}),
        },
        "numerics": {
            "device_kind": device_kind,
            "jax": "0.11.2",
            "jaxlib": "0.11.2",
            "x64": False,
            "matmul": "default",
            "prng": "threefry2x32",
        },
        "versions": {},
        "volatile": _volatile(created_utc, usual if speed is None else speed, timing or {}),
    }
    return seal(record), data


def _results(finals, seeds, rows, data: bytes, episodes: int) -> dict:
    by_seed = {seed: [row["mean"] for row in rows if row["seed"] == seed and row["env_step"] > 0] for seed in seeds}
    ok = [final is not None for final in finals]
    return {
        "final": [None if final is None else float(final) for final in finals],
        "auc": [float(np.mean(by_seed[seed])) if good else None for seed, good in zip(seeds, ok, strict=True)],
        "best": [float(np.max(by_seed[seed])) if good else None for seed, good in zip(seeds, ok, strict=True)],
        "finite": ok,
        "final_returns": [[None if final is None else float(final)] * episodes for final in finals],
        "curves": {
            "file": curve_file.FILE,
            "sha256": hashlib.sha256(data).hexdigest(),
            "columns": list(curve_file.COLUMNS),
        },
    }


def _volatile(created_utc: str, steps_per_s: float, timing: Mapping[str, object]) -> dict:
    return {
        "created_utc": created_utc,
        "machine_label": "cpu2-x86",
        "argv": ["run", "suite=tiny"],
        "load": [0.5],
        "timing": {"trace": 0.5, "compile": 4.0, "cache": "miss", "steady": [1.2], "eval": 0.3, **timing},
        "steps_per_s": steps_per_s,
    }
