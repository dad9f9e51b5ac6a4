"""Files of rows: every bit of every row, whatever happens to the process."""

import json
import resource
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from memorax.loggers import FileLogger

SUFFIXES = pytest.mark.parametrize("suffix", ["csv", "jsonl"])


def read(path):
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_json(path, lines=True)


def assert_holds(path, logs, times=1):
    """Every entry of every array, to the bit."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix == ".jsonl" else None
    table = pd.DataFrame(rows) if rows else read(path)
    assert list(table)[:2] == ["seed", "step"] and len(table) == times * logs["step"].size
    for seed in range(2):
        mine = table[table.seed == seed]
        for name, value in logs.items():
            np.testing.assert_array_equal(mine[name].to_numpy().astype(value.dtype), np.tile(value[seed], times))


@SUFFIXES
def test_all_arrays_read_back(tmp_path, logs, suffix):
    path = tmp_path / "runs" / f"x.{suffix}"
    with FileLogger(path) as logger:
        logger.log(logs)
        assert_holds(path, logs)  # before anything is closed
        logger.log(logs)
    assert_holds(path, logs, times=2)
    first = read(path).iloc[0]
    assert first["loss/policy"] == 0.1 and np.signbit(read(path)["loss/value"][1])


def test_a_csv_is_as_short_as_can_be(tmp_path):
    with FileLogger(tmp_path / "x.csv") as logger:
        logger.log({"step": np.array([[1], [1]]), "a": np.float32([[0.1], [np.nan]])})
    assert (tmp_path / "x.csv").read_text() == "seed,step,a\n0,1,0.1\n1,1,nan\n"


@SUFFIXES
def test_an_existing_file_is_appended_to(tmp_path, logs, suffix):
    for _ in range(2):
        with FileLogger(tmp_path / f"x.{suffix}") as logger:
            logger.log(logs)
    assert_holds(tmp_path / f"x.{suffix}", logs, times=2)


@SUFFIXES
def test_other_keys_later(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    with FileLogger(path) as logger:
        logger.log({"step": np.array([1]), "a": np.array([0.5])})
        logger.log({"b, too": np.array([7]), "step": np.array([2])})
    with FileLogger(path) as logger:
        logger.log({"step": np.array([3]), "a": np.array([1.5])})
    expected = {"seed": [0, 0, 0], "step": [1, 2, 3], "a": [0.5, np.nan, 1.5], "b, too": [np.nan, 7, np.nan]}
    pd.testing.assert_frame_equal(read(path), pd.DataFrame(expected))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@SUFFIXES
def test_rows_outlive_a_process_that_is_killed(tmp_path, logs, suffix, killed_after_logging):
    path = tmp_path / f"x.{suffix}"
    killed_after_logging(f"FileLogger({str(path)!r})", signal.SIGKILL)
    assert_holds(path, logs)


@SUFFIXES
def test_a_half_written_row_is_cut_off(tmp_path, logs, suffix):
    """Wherever the crash was: all rows before it stay, and those after it are whole."""
    path = tmp_path / f"x.{suffix}"
    with FileLogger(path) as logger:
        logger.log(logs)
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    for crash in {*range(len(whole) - 40, len(whole)), 1, ends[0], ends[1] + 3}:
        path.write_bytes(whole[:crash])
        kept = max((end for end in ends if end <= crash), default=0)
        if kept < crash:
            with pytest.warns(RuntimeWarning, match=f"{crash - kept} bytes were cut off"):
                logger = FileLogger(path)
        else:
            logger = FileLogger(path)
        with logger:
            assert path.read_bytes() == whole[:kept]
            logger.log(logs)
        header = whole[: ends[0]] if suffix == "csv" else b""
        assert path.read_bytes() == (whole[:kept] or header) + whole[len(header) :]


@SUFFIXES
def test_rows_that_a_full_disk_refused_are_written_later(tmp_path, logs, suffix):
    path = tmp_path / f"x.{suffix}"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FileLogger(path) as logger:
        logger.log(logs)
        before = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))  # room for half of it
        try:
            with pytest.warns(RuntimeWarning, match="could not write: OSError") as caught:
                logger.log(logs)
                assert path.read_bytes() == before  # no half row
                logger.log({**logs, "new" * 20: logs["flag"]})  # nor half a file with one column more
                assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(caught) == 1
    assert_holds(path, logs, times=3)  # closing has tried once more


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'logs.txt'\): the name must end in .csv or .jsonl"):
        FileLogger("logs.txt")
    (tmp_path / "x.csv").write_text("name,age\nann,3\n")
    with pytest.raises(ValueError, match=r"x.csv is not a log: its columns are \['name', 'age'\]"):
        FileLogger(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "name,age\nann,3\n"


def test_an_exception_loses_no_row(tmp_path, logs):
    program = (
        "import numpy as np\nfrom memorax.loggers import FileLogger\n"
        f"with FileLogger({str(tmp_path / 'x.csv')!r}) as logger:\n"
        "    logger.log({'step': np.array([1, 2])})\n    1 / 0"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stderr
    assert read(tmp_path / "x.csv").step.tolist() == [1, 2]
