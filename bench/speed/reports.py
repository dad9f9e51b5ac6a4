"""What a user waits for who trains nothing: the command line's start, and a report of a thousand and ten thousand
records. asv measures each in a process of its own."""

import contextlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from memorax_bench.records.store import Store
from memorax_bench.report.write import write_report
from memorax_bench.suite.load import load_suite
from speed.many_records import fill_all, make_suite

SIZES = {"1000": (36, 28, 1, 5, 5), "10000": (36, 28, 1, 10, 1)}  # tasks, torsos, algorithms, seeds, seeds a record
VERSION = "1"  # to be raised when what is measured changes; not of `steady`, which loads jax
VERBS = ["--help", "ls suites", "plan suite=quick"]


class Report:
    """From files to files, all figures drawn."""

    version = VERSION
    timeout = 600
    params, param_names = (list(SIZES),), ("records",)
    number, repeat, rounds, warmup_time = 1, 2, 1, 0

    def setup_cache(self) -> dict[str, str]:
        """The folders of the records, which are made once for all that is measured of them."""
        return {size: str(make(size, Path(tempfile.mkdtemp(prefix="records-")))) for size in SIZES}

    def time_report(self, folders: dict[str, str], size: str) -> None:
        report(Path(folders[size]))

    def peakmem_report(self, folders: dict[str, str], size: str) -> None:
        report(Path(folders[size]))


class Start:
    """A whole process, from nothing in memory."""

    version = VERSION
    params, param_names = (VERBS,), ("verb",)
    number, repeat, rounds, warmup_time = 1, 5, 1, 0

    def time_verb(self, verb: str) -> None:
        start(verb)


def make(size: str, folder: Path) -> Path:
    """Records of this size in a folder, with the suite they are of."""
    tasks, torsos, algorithms, seeds, together = SIZES[size]
    suite = make_suite(folder, tasks, torsos, algorithms, seeds=seeds)
    fill_all(folder / "results", suite, together)
    return folder


def report(folder: Path) -> None:
    """As the verb does it."""
    suite = load_suite(str(folder / "large.yaml"))
    scan = Store(folder / "results").scan(suite.label, whole=False)
    with contextlib.redirect_stdout(io.StringIO()):
        write_report(suite, scan, folder / "reports")


def start(verb: str) -> None:
    """The command line in a process of its own."""
    program = "import sys; from memorax_bench.cli import main; sys.argv = ['memorax-bench', *sys.argv[1:]]; main()"
    subprocess.run([sys.executable, "-c", program, *verb.split()], check=True, stdout=subprocess.DEVNULL)
