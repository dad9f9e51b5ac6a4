"""Offline runs of Weights & Biases, read back from the files that `wandb sync` would upload."""

import json
import signal
import struct
import time

import numpy as np
import pytest

from memorax.loggers import WandbLogger

wandb_internal_pb2 = pytest.importorskip(
    "wandb.proto.wandb_internal_pb2", reason="WandbLogger writes with wandb, which is not installed: too large for dev"
)
BLOCK = 32768


def records(file):
    """The records of a transaction log: pieces of blocks, each with checksum, length and kind (LevelDB's log)."""
    data, place, parts = file.read_bytes(), 7, b""  # after wandb's own header
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""


def runs(folder):
    """{name of the run: (its description, its rows, its exit code)}."""
    found = {}
    for file in folder.glob("wandb/offline-run-*/*.wandb"):
        all_records = list(records(file))
        run = next(record.run for record in all_records if record.HasField("run"))
        rows = [
            {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            for record in all_records
            if record.HasField("history")
        ]
        codes = [record.exit.exit_code for record in all_records if record.HasField("exit")]
        found[run.display_name] = run, rows, codes
    return found


def assert_holds(rows, logs, seed):
    for name, value in logs.items():
        read = [float(row[name]) for row in rows]
        np.testing.assert_array_equal(np.array(read).astype(value.dtype), value[seed])


@pytest.fixture
def quiet(monkeypatch, tmp_path):
    """No login, no network, nothing outside of tmp_path."""
    for name in ("DATA_DIR", "CACHE_DIR", "CONFIG_DIR", "ARTIFACT_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


def test_one_run_a_seed(tmp_path, logs, quiet):
    with (
        pytest.raises(ZeroDivisionError),
        WandbLogger(
            "memory", "gru", config={"features": 8}, mode="offline", dir=str(tmp_path), tags=["test"]
        ) as logger,
    ):
        logger.log(logs)
        _ = 1 / 0
    until = time.monotonic() + 10.0
    while not all(codes for _, _, codes in runs(tmp_path).values()) and time.monotonic() < until:
        time.sleep(0.05)  # that a run has ended is the one thing that wandb writes when it likes
    found = runs(tmp_path)
    assert found.keys() == {"gru-seed_0", "gru-seed_1"}
    for seed in range(2):
        run, rows, codes = found[f"gru-seed_{seed}"]
        assert_holds(rows, logs, seed)
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        assert (config["features"], config["seed"]) == (8, seed)
        assert (run.project, run.run_group, list(run.tags), codes) == ("memory", "gru", ["test"], [1])


def test_rows_outlive_a_process_that_is_terminated(tmp_path, logs, quiet, killed_after_logging):
    killed_after_logging(f"WandbLogger('memory', 'gru', mode='offline', dir={str(tmp_path)!r})", signal.SIGTERM)
    found = runs(tmp_path)
    for seed in range(2):
        assert_holds(found[f"gru-seed_{seed}"][1], logs, seed)


def test_disabled_costs_nothing(tmp_path, logs, quiet):
    with WandbLogger("memory", mode="disabled", dir=str(tmp_path)) as logger:
        logger.log(logs)
    assert not runs(tmp_path)
