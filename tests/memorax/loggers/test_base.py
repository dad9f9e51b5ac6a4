"""What holds for every logger: it fails alone, once, and never into the training."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from memorax.loggers import CheckpointLogger, FileLogger, Logger, MultiLogger, TensorBoardLogger, WandbLogger


class Kept(Logger):
    """Keeps in memory what it is given."""

    def __init__(self):
        self.rows, self.states, self.crashed = [], [], None

    def write(self, rows):
        self.rows += rows

    def save(self, state, step, score):
        self.states.append((state, step, score))

    def finish(self, crashed):
        assert self.crashed is None
        self.crashed = crashed


class Failing(Logger):
    """Fails at everything."""

    def __init__(self):
        self.tried = []

    def __str__(self):
        return "Failing()"

    def write(self, rows):
        self.tried.append("write")
        raise OSError(28, "No space left on device")

    def save(self, state, step, score):
        self.tried.append("save")
        raise ConnectionError("no network")

    def finish(self, crashed):
        self.tried.append("finish")
        raise OSError(28, "No space left on device")


def test_a_failing_logger_warns_once_with_the_cause(logs):
    logger = Failing()
    with pytest.warns(RuntimeWarning, match=r"Failing\(\) could not write: OSError: .*No space left") as caught:
        logger.log(logs)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logger.log(logs)
        logger.checkpoint(None, step=1)
        logger.close()
    assert logger.tried == ["write", "write", "save", "finish"]  # it is tried again all the same


def test_an_interrupt_is_not_a_failure(logs):
    class Interrupted(Kept):
        def write(self, rows):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MultiLogger([Interrupted()]).log(logs)


@pytest.mark.parametrize("order", [1, -1], ids=["failing first", "failing last"])
def test_of_several_loggers_the_others_go_on(logs, order):
    failing, kept = Failing(), Kept()
    with pytest.warns(RuntimeWarning) as caught, MultiLogger([failing, kept][::order]) as logger:
        logger.log(logs)
        logger.log(logs)
        logger.checkpoint("state", step=np.array([512, 512]), score=np.float32(0.5))
    assert len(caught) == 1
    assert failing.tried == ["write", "write", "save", "finish"]
    assert len(kept.rows) == 12 and kept.states == [("state", 512, 0.5)] and kept.crashed is False


def test_all_are_closed_when_training_fails(logs):
    loggers = [Kept(), Kept()]
    with pytest.raises(ZeroDivisionError), MultiLogger(loggers) as logger:
        logger.log(logs)
        _ = 1 / 0
    assert [kept.crashed for kept in loggers] == [True, True]
    logger.close()  # twice is once
    with pytest.raises(ValueError, match="is closed"):
        logger.log(logs)
    with pytest.raises(ValueError, match="is closed"):
        logger.checkpoint(None, step=1)


def test_wrong_arguments_are_errors_and_reach_nobody(logs):
    kept = Kept()
    logger = MultiLogger([kept])
    with pytest.raises(ValueError, match="no 'step'"):
        logger.log({"loss": logs["loss/policy"]})
    for step in (np.array([512, 1024]), 1.5, None):
        with pytest.raises(ValueError, match="not one integer"):
            logger.checkpoint(None, step=step)
    with pytest.raises(ValueError, match=r"score has shape \[2\]"):
        logger.checkpoint(None, step=1, score=np.zeros(2))
    logger.checkpoint(None, step=1, score=float("nan"))
    assert not kept.rows and kept.states == [(None, 1, None)]
    with pytest.raises(ValueError, match=r"'a\.csv' is none"):
        MultiLogger(["a.csv"])


@pytest.mark.parametrize(
    ("library", "make", "extra"),
    [
        ("wandb", lambda: WandbLogger("project", mode="offline"), "wandb"),
        ("tensorboardX.event_file_writer", lambda: TensorBoardLogger("x"), "tensorboard"),
        ("orbax.checkpoint", lambda: CheckpointLogger("x"), "checkpoint"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(monkeypatch, tmp_path, library, make, extra):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install 'memorax-bench\[{extra}\]'"):
        make()
    assert not list(tmp_path.iterdir())


def test_importing_the_loggers_loads_none_of_their_libraries():
    program = (
        "import sys, memorax.loggers\n"
        "assert not {'wandb', 'tensorboardX', 'orbax', 'rich', 'jax', 'flax', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_closed_file_is_an_error_not_a_lost_row(logs, tmp_path):
    with FileLogger(tmp_path / "x.csv") as logger:
        pass
    with pytest.raises(ValueError, match=r"FileLogger\('.*x.csv'\) is closed"):
        logger.log(logs)
