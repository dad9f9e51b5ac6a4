"""Processes that measure: each has the library of one commit, and all have the benchmarks of the same.

`bench/speed/serve.py` is their other end. A side that dies, hangs or has another library than it should is said to be
lost, by name: what it was asked for is then not measured.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 600.0  # seconds that an answer may take, compiling included
_TAIL = 5  # lines of what a lost side said last


class SideLost(Exception):
    """A side that gives no answers any more; the message names it and says why."""


class Refused(Exception):
    """What a side answers where a program cannot be built or run."""


@dataclass(eq=False)
class Side:
    """One process. `ask` is `send` and `receive`; between the two another side can be asked."""

    name: str
    process: subprocess.Popen
    log: Any
    limit: float = LIMIT
    gave_up: bool = False
    described: dict[str, Any] = field(default_factory=dict)  # what it says of itself

    def ask(self, what: str, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises SideLost, and Refused where the answer is an error."""
        self.send(what, **request)
        return self.receive()

    def send(self, what: str, **request: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died: `receive` says so
            self.process.stdin.write(json.dumps({"do": what, **request}) + "\n")
            self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        timer = threading.Timer(self.limit, self._give_up)
        timer.daemon = True  # an interruption may come before it can be cancelled
        try:
            timer.start()
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            raise SideLost(f"{self.name} {self._cause()}{self._said_last()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def close(self) -> None:
        """Ends the process, which has nothing to lose."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.log):
            with contextlib.suppress(OSError):
                pipe.close()

    def _give_up(self) -> None:
        self.gave_up = True
        self.process.kill()

    def _cause(self) -> str:
        code = self.process.wait()
        if self.gave_up:
            return f"did not answer within {self.limit:g} s"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _said_last(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()[-_TAIL:]
        return "".join(f"\n  {line}" for line in lines)


@contextlib.contextmanager
def side(name: str, library: Path, bench: Path, environment: Mapping[str, str], limit: float = LIMIT) -> Iterator[Side]:
    """A Side with `library/memorax` and the `memorax_bench` and `speed` of `bench`; its process ends with the block.

    Raises SideLost where it does not start, or imports another library than that.
    """
    path = os.pathsep.join(map(str, (library, bench)))
    log = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the side)
    process = subprocess.Popen(
        [sys.executable, "-m", "speed.serve"],
        cwd=library,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", **environment},
        start_new_session=True,  # Ctrl-C reaches this process only, which ends the sides
    )
    started = Side(name, process, log, limit)
    try:
        try:
            started.described = started.ask("describe")
        except Refused as error:
            raise SideLost(f"{name} cannot start: {error}") from None
        found = Path(started.described["memorax"]).resolve()
        if found != (library / "memorax").resolve():
            raise SideLost(f"{name} imports {found} where it should import {library / 'memorax'}")
        yield started
    finally:
        started.close()
