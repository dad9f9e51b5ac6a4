"""Ours against other libraries, against what the machine can do, and against itself: docs/performance.md.

python bench/speed/performance.py                       # everything, an hour; on an idle machine
python bench/speed/performance.py --only W1 W5 learning # these parts; what was measured before stays
python bench/speed/performance.py --page                # writes the page again from what was measured

Every number is measured in a process of its own. What was measured lies in results/speed/performance.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memorax.registry import SEQUENCE_MODELS
from speed import measuring, performance_page, scaling_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
FOUND = ROOT / "results" / "speed" / "performance.json"
PEERS = ROOT / ".venv" / "peers"
REJAX = ("rejax==0.1.3", "gymnax==0.0.9", "jax==0.11.2", "jaxlib==0.11.2")  # with gymnax 1.0 it does not run

PARTS: dict[str, list[tuple[str, ...]]] = {  # part -> command lines of `python -m`
    "W1": [("speed.workloads", "W1"), ("speed.workloads", "W1", "--separate")],
    "W2": [("speed.workloads", "W2"), ("speed.workloads", "W2", "--separate")],
    "W3": [("speed.workloads", "W3"), ("speed.workloads", "W3", "--separate")],
    "W4": [("speed.workloads", "W4", "--torso", name, "--separate") for name in ("lru", "s5", "min_gru")],
    "W4b": [("speed.workloads", "W4b", "--torso", name, "--separate") for name in ("lru", "min_gru", "gru")]
    + [("speed.workloads", "W4b", "--torso", "gru")],
    "plain": [("speed.workloads", name, "--torso", "gru:autodiff") for name in ("W1", "W2", "W3", "W4b")],
    "W5": [("speed.workloads", "W5"), ("speed.peer_rejax", "W5")],
    "DQN": [("speed.workloads", "DQN"), ("speed.workloads", "DQN64"), ("speed.peer_rejax", "DQN64")],
    "R2D2": [("speed.workloads", "R2D2")],
    "torsos": [
        ("speed.workloads", workload, "--torso", name, "--turns", "2", "--patience", "2")
        for name in SEQUENCE_MODELS
        for workload in ("W4", "W4b")
    ],
    "learning": [("speed.learning", "gru"), ("speed.learning", "gru:autodiff")],
    "scaling": [("speed.scaling", kind) for kind in ("environments", "seeds", "length", "width", "choice")],
}


def measured(part: str, say: Callable[[str], None]) -> dict[str, Any]:
    """command line -> what it printed; what fails is said and left out."""
    found = {}
    for command in PARTS[part]:
        say(" ".join(command))
        printed = _run(command)
        if printed is None:
            say("  failed")
            continue
        found[" ".join(command)] = {**printed, "circumstances": measuring.circumstances()}
    return found


def _run(command: tuple[str, ...]) -> dict[str, Any] | None:
    peer = command[0].startswith("speed.peer")
    path = [ROOT / "bench"] if peer else [ROOT, ROOT / "bench"]
    with tempfile.TemporaryDirectory() as cold:
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "JAX_COMPILATION_CACHE_DIR": cold,
        }  # fmt: skip
        python = peer_python(command[0].removeprefix("speed.peer_")) if peer else sys.executable
        done = subprocess.run([python, "-m", *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def peer_python(name: str) -> str:
    """The interpreter of a peer's environment, made from PyPI where it is not there yet."""
    folder = PEERS / name
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "-qq", "install", *REJAX], check=True)
        (folder / "made").touch()
    return str(python)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help=f"of {', '.join(PARTS)}")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    chosen = parser.parse_args(arguments)
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    for part in [] if chosen.page else chosen.only or list(PARTS):
        found[part] = {**found.get(part, {}), **measured(part, lambda line: print(line, file=sys.stderr, flush=True))}
        FOUND.parent.mkdir(parents=True, exist_ok=True)
        FOUND.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    if not any(name.startswith("speed.peer") for part in found.values() for name in part):
        sys.exit("no peer was measured: a table without one says nothing; not written")
    if "scaling" in found:
        scaling_page.draw(found["scaling"], PAGE.with_name("performance-scaling"))[1].unlink()  # the page shows the PNG
    PAGE.write_text(performance_page.page(found), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
