"""Logs of two seeds and three updates, with all that is hard to write, and a process that dies after logging them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
LOGS = {
    "step": np.array([[512, 1024, 1536]] * 2, np.int32),
    "loss/policy": np.array([[0.1, np.nan, -np.inf], [0.2, np.inf, 1e-30]], np.float32),
    "loss/value": np.array([[1 / 3, 2.0, 3e300], [-0.0, 5.0, 6.0]]),
    "flag": np.array([[True, False, True]] * 2),
}
PROGRAM = """
import os, numpy as np
from memorax.loggers import *
nan, inf = np.nan, np.inf
logger = {logger}
logger.log({logs})
os.kill(os.getpid(), {signal})
"""


@pytest.fixture
def logs():
    return {name: value.copy() for name, value in LOGS.items()}


@pytest.fixture
def killed_after_logging():
    """`killed(logger, signal)`: makes the logger in a process of its own, logs, and is killed without an exit."""

    def run(logger: str, number: signal.Signals = signal.SIGKILL) -> None:
        logs = repr({name: value.tolist() for name, value in LOGS.items()})
        logs = f"{{name: np.array(value) for name, value in {logs}.items()}}"
        program = PROGRAM.format(logger=logger, logs=logs, signal=int(number))
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
        )
        assert done.returncode == -number, done.stderr

    return run
