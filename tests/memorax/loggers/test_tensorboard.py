"""Event files, read back."""

import signal
import struct

import numpy as np
import pytest

from memorax.loggers import TensorBoardLogger

event_pb2 = pytest.importorskip(
    "tensorboardX.proto.event_pb2", reason="TensorBoardLogger writes with tensorboardX, which is not installed"
)


def events(folder):
    """Events of all files of a run: each is framed by its length and two checksums (TFRecord)."""
    for file in sorted(folder.glob("events.out.tfevents.*")):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack_from("<Q", data)
            yield event_pb2.Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def scalars(folder):
    """{name: [(step, value), ...]}."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def assert_holds(folder, logs, times=1):
    for seed in range(2):
        found = scalars(folder / f"seed_{seed}")
        assert found.keys() == logs.keys() - {"step"}
        for name in found:
            steps, values = zip(*found[name], strict=True)
            assert list(steps) == logs["step"][seed].tolist() * times
            with np.errstate(over="ignore"):  # 3e300 is infinite in float32
                np.testing.assert_array_equal(np.float32(values), np.tile(np.float32(logs[name][seed]), times))


def test_one_run_a_seed(tmp_path, logs):
    with TensorBoardLogger(tmp_path) as logger:
        logger.log(logs)
        assert_holds(tmp_path, logs)  # before anything is closed
        logger.log(logs)
    assert_holds(tmp_path, logs, times=2)
    assert {file.name for file in tmp_path.iterdir()} == {"seed_0", "seed_1"}
    assert next(events(tmp_path / "seed_0")).file_version == "brain.Event:2"


def test_a_run_that_goes_on_keeps_what_was_there(tmp_path, logs):
    for _ in range(2):  # within one second, as the names of the files count
        with TensorBoardLogger(tmp_path) as logger:
            logger.log(logs)
    assert_holds(tmp_path, logs, times=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_rows_outlive_a_process_that_is_killed(tmp_path, logs, killed_after_logging, number):
    killed_after_logging(f"TensorBoardLogger({str(tmp_path)!r})", number)
    assert_holds(tmp_path, logs)


def test_after_a_failure_a_new_file_is_begun(tmp_path, logs, monkeypatch):
    logger = TensorBoardLogger(tmp_path)
    logger.log(logs)
    with pytest.warns(RuntimeWarning, match="could not write: OSError: no space"), monkeypatch.context() as broken:
        broken.setattr(logger.writers[1], "write_event", lambda event: (_ for _ in ()).throw(OSError("no space")))
        logger.log(logs)
    logger.log(logs)
    logger.close()
    found = scalars(tmp_path / "seed_1")["flag"]
    assert [step for step, _ in found] == [512, 1024, 1536] * 2  # what was lost is lost, the rest is readable
    assert len(list((tmp_path / "seed_1").iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileExistsError):
        TensorBoardLogger(tmp_path / "taken")
