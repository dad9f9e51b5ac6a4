"""Claims: who is working on a run, so that two processes do not both. Only work is saved by them.

Correctness never rests on a claim: publishing is atomic and equal runs give equal results. A claim is a file
`claim.<n>` made with O_EXCL in the run's work folder; the highest n holds. Its holder counts up a counter in it; an
observer takes over (makes n+1) when the claim was released, when it did not change for three intervals of the
observer's own monotonic clock, or at once when the holder was a process of this host that is dead.
"""

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

STALE_INTERVALS = 3
_CLAIM = re.compile(r"claim\.(\d+)")


@dataclass(frozen=True)
class Process:
    """A process, told apart from any other. `host` is the boot and the pid namespace: a pid means nothing outside."""

    host: str | None
    pid: int
    started: str | None


def this_process() -> Process:
    """The calling process."""
    return Process(_host(), os.getpid(), _start_time(os.getpid()))


def is_dead(process: Process) -> bool:
    """True only where this host can know it: same boot and namespace, and no such process, or another by that pid."""
    if process.host is None or process.host != _host():
        return False
    started = _start_time(process.pid)
    return started is None or started != process.started


@dataclass(frozen=True)
class _State:
    process: Process
    beat: int = 0
    released: bool = False


@dataclass
class Claim:
    """A claim that was ours when it was made."""

    path: Path
    number: int
    state: _State
    lock: threading.Lock = field(default_factory=threading.Lock)

    def beat(self) -> None:
        """Shows observers that the holder is alive."""
        with self.lock:
            if not self.state.released:
                self.state = replace(self.state, beat=self.state.beat + 1)
                self._write()

    def holds(self) -> bool:
        """Whether nobody has taken over; to be asked before publishing."""
        newest = _newest(self.path.parent)
        return newest is not None and newest[0] == self.number

    def release(self) -> None:
        """Lets others start at once; for a run that ends without a record."""
        with self.lock:
            self.state = replace(self.state, released=True)
            self._write()

    def _write(self) -> None:
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            temporary.write_bytes(_encode(self.state))
            os.replace(temporary, self.path)
        except FileNotFoundError:
            pass  # the run was published and its work folder cleared; `holds` will say no


class Observer:
    """Watches the claims of others on its own monotonic clock: clocks of two machines are never compared."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic):
        self.interval = interval
        self.clock = clock
        self.seen: dict[Path, tuple[bytes, float]] = {}

    def is_stale(self, path: Path, content: bytes) -> bool:
        """Whether the claim has been the same for three intervals since this observer first saw it so."""
        now = self.clock()
        known = self.seen.get(path)
        if known is None or known[0] != content:
            self.seen[path] = (content, now)
            return False
        return now - known[1] >= STALE_INTERVALS * self.interval


def acquire(work_dir: Path, observer: Observer, process: Process | None = None) -> Claim | None:
    """A claim on the run whose work folder this is, or None while another process holds it."""
    newest = _newest(work_dir)
    if newest is None:
        return _create(work_dir, 1, process)
    number, path = newest
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    state = _decode(content)
    free = state is not None and (state.released or is_dead(state.process))
    if free or observer.is_stale(path, content):
        return _create(work_dir, number + 1, process)
    return None


def release_for(work_dir: Path, pid: int) -> None:
    """Releases the claim of a process of this host that has just been reaped, so that other hosts need not wait."""
    newest = _newest(work_dir)
    state = None if newest is None else _decode(newest[1].read_bytes())
    if state is not None and state.process.pid == pid and state.process.host == _host():
        Claim(newest[1], newest[0], state).release()


def is_held(work_dir: Path) -> bool:
    """Whether some process has a claim that was not released and is not known to be dead; it may be silent."""
    newest = _newest(work_dir)
    try:
        state = None if newest is None else _decode(newest[1].read_bytes())
    except FileNotFoundError:
        return False
    return state is not None and not state.released and not is_dead(state.process)


@contextlib.contextmanager
def heartbeat(claim: Claim, interval: float) -> Iterator[Claim]:
    """Beats every `interval` seconds from a thread while the block runs."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(interval):
            claim.beat()

    thread = threading.Thread(target=beat, name=f"heartbeat {claim.path.parent.name}", daemon=True)
    thread.start()
    try:
        yield claim
    finally:
        stop.set()
        thread.join()


def _create(work_dir: Path, number: int, process: Process | None) -> Claim | None:
    state = _State(process or this_process())
    path = work_dir / f"claim.{number}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except (FileExistsError, FileNotFoundError):  # another was first, or has published and cleared the folder
        return None
    with os.fdopen(descriptor, "wb") as file:
        file.write(_encode(state))
    return Claim(path, number, state)


def _newest(work_dir: Path) -> tuple[int, Path] | None:
    try:
        matches = [(_CLAIM.fullmatch(path.name), path) for path in work_dir.iterdir()]
    except FileNotFoundError:  # published and cleared
        return None
    return max(((int(match[1]), path) for match, path in matches if match), default=None)


def _encode(state: _State) -> bytes:
    return json.dumps(asdict(state)).encode()


def _decode(content: bytes) -> _State | None:
    """None for a claim whose maker died before it had written it; it goes stale like any other."""
    try:
        data = json.loads(content)
        return _State(Process(**data["process"]), int(data["beat"]), bool(data["released"]))
    except (ValueError, TypeError, KeyError):
        return None


def _host() -> str | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _start_time(pid: int) -> str | None:
    """Clock ticks from boot to the start of a process (field 22 of its stat), None where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if fields[0] == "Z" else fields[19]
