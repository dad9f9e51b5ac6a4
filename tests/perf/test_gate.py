"""The gate on the real library: what is planted is found, and nothing else. Of the commit, not of the files."""

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import runs
from fixtures.quick import UNOPTIMISED

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Clone:
    """A clone of this repository to plant things in."""

    def __init__(self, path: Path):
        self.path = path
        self.git("clone", "-q", "--shared", str(ROOT), ".")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self.path, check=True, capture_output=True)

    def plant(self, name: str, old: str, new: str) -> None:
        """Commits a file with a piece of it replaced."""
        file = self.path / name
        assert file.read_text().count(old) == 1
        file.write_text(file.read_text().replace(old, new))
        self.commit()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "planted")

    def bench(self, *arguments: str, **changes: str) -> tuple[int, str]:
        """`memorax-bench ...` with the code of the clone -> (exit code, all it said)."""
        path = f"{self.path}:{self.path / 'bench'}"
        done = subprocess.run(
            [sys.executable, "-m", "memorax_bench.cli", *arguments],
            cwd=self.path,
            env=runs.environment(PYTHONPATH=path, **changes),
            capture_output=True,
            text=True,
            timeout=1200,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path) -> Clone:
    return Clone(tmp_path)


EPOCHS = ("memorax/algorithms/ppo.py", "update_epochs: int = 4", "update_epochs: int = 6")


def test_epochs_that_are_planted_are_found_by_count_and_by_time(clone):
    clone.plant(*EPOCHS)
    code, said = clone.bench("perf", "gate", "HEAD~1", "--tier", "1", "--only", "train/ppo")
    assert code == 4 and "regression: train/ppo (exit 4)" in said, said
    code, said = clone.bench("perf", "gate", "HEAD~1", "--tier", "2", "--only", "train/ppo")
    assert code == 4 and "regression: train/ppo (exit 4)" in said, said
    code, said = clone.bench("perf", "gate", "HEAD", "HEAD~1", "--tier", "2", "--only", "train/ppo")
    assert code == 0, said


def test_a_game_that_works_more_is_found_by_count_and_by_time(clone):
    draw = "suit, deck = cards.draw(key, state.deck)"
    again = "import jax\n        for _ in range(8):\n            key = jax.random.split(key)[0]\n        " + draw
    clone.plant("memorax/environments/popgym/repeat_previous.py", draw, again)
    code, said = clone.bench("perf", "gate", "HEAD~1", "--only", "play/*RepeatPrevious*")
    assert code == 4 and " numbers " in said and " slower" in said, said


def test_equal_code_raises_no_alarm_in_twenty_runs(clone):
    """Each with processes of its own, on whatever machine this is."""
    cheap = ("--only", "gradient/gru", "--only", "buffer/*", "--budget", "5")
    for _ in range(20):
        code, said = clone.bench("perf", "gate", "HEAD", "HEAD", "--tier", "2", *cheap)
        assert code == 0, said


LEARNED = ("suite=smoke", "tasks=higher-lower", "torsos=gru", "seeds=3", "protocol.total_env_steps=32768")
LEARNED += ("protocol.eval_every=16384", "protocol.eval_episodes=64")


def test_a_learner_that_is_broken_is_found(clone):
    code, said = clone.bench("run", *LEARNED, **UNOPTIMISED)
    assert code == 0, said
    code, said = clone.bench("perf", "scores", *LEARNED, "--write")
    assert code == 0, said
    clone.commit()
    clone.plant("memorax/algorithms/losses.py", "return -jnp.minimum(ratio", "return jnp.minimum(ratio")
    code, said = clone.bench("perf", "gate", "HEAD~1", "HEAD~1", "--tier", "3", *LEARNED, **UNOPTIMISED)
    assert code == 0 and "still learns" in said, said
    code, said = clone.bench("perf", "gate", "HEAD~1", "--tier", "3", *LEARNED, **UNOPTIMISED)
    assert code == 4 and "regression: higher-lower/ppo/gru (exit 4)" in said, said
