"""A repository whose programs cost and do what its library says, so that the gate can be tried within a second."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVER = '''\
"""Answers as the real server does; SECONDS of the library are what programs take, COUNTS what they count."""
import json, os, random, sys
from pathlib import Path
import memorax
for line in sys.stdin:
    request = json.loads(line)
    program, what = request.get("program"), request["do"]
    if what == "describe":
        names = sorted(PROGRAMS)
        answer = {"memorax": str(Path(memorax.__file__).parent), "programs": names, "timed": names[:3],
                  "jaxlib": "1.2.3", "device": "pretended"}
    elif program not in memorax.SECONDS:
        answer = {"error": f"AttributeError: no {program} here"}
    elif memorax.SECONDS[program] is None:
        sys.exit("out of ideas")
    elif what == "count":
        answer = {"flops": memorax.COUNTS.get(program, 1), "numbers": 1.0, "argument_bytes": 8}
    else:
        answer = {"seconds": memorax.SECONDS[program] * random.uniform(0.98, 1.02)}
    print(json.dumps(answer), flush=True)
'''


class Repository:
    """A git repository at `path`; `commit` sets what its library says."""

    def __init__(self, path: Path):
        self.path = path
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=self.path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, seconds: dict | None = None, counts: dict | None = None) -> str:
        if seconds is not None:
            self.write("memorax/__init__.py", f"SECONDS = {seconds!r}\nCOUNTS = {counts or {}!r}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def serves(self, *programs: str) -> None:
        self.write("bench/speed/__init__.py", "")
        self.write("bench/speed/serve.py", f"PROGRAMS = {programs!r}\n{SERVER}")

    def expects(self, **counts: float) -> None:
        programs = {name: {"flops": flops, "numbers": 1.0, "argument_bytes": 8} for name, flops in counts.items()}
        self.write("bench/expected.json", json.dumps({"1.2.3": programs}))

    def worktrees(self) -> int:
        return self.git("worktree", "list", "--porcelain").count("worktree ") - 1


@pytest.fixture
def repository(tmp_path) -> Repository:
    """Empty, in the folder that `call` works in."""
    return Repository(tmp_path)


@pytest.fixture
def jax_repository(repository) -> Repository:
    """With the real server and harness, and two programs whose work the library sets."""
    repository.serves()
    for folder in ("memorax_bench", "speed"):
        ignored = shutil.ignore_patterns("__pycache__", "programs.py", "gated.py")
        shutil.copytree(ROOT / "bench" / folder, repository.path / "bench" / folder, ignore=ignored, dirs_exist_ok=True)
    repository.write(
        "bench/speed/gated.py", 'TIMED = ("spin", "train/spin")\nCOMPILED = ("spin",)\nCALLED = ("train/spin",)\n'
    )
    repository.write(
        "bench/speed/programs.py",
        """\
from dataclasses import dataclass
from typing import Any
import jax, jax.numpy as jnp, memorax

@dataclass(frozen=True)
class Benchmark:
    make: Any
    steps: int

def spin(x):
    return jax.lax.scan(lambda x, _: (jnp.tanh(x @ x), None), x, length=memorax.WORK)[0]

train = jax.jit(lambda key, state: spin(state).astype(memorax.RETURNED))

PROGRAMS = {
    "spin": Benchmark(lambda: (spin, (jnp.ones((48, 48)),)), 1),
    "train/spin": Benchmark(lambda: (train, (jax.random.key(0), jnp.ones((48, 48)))), 1),
}
""",
    )
    return repository
