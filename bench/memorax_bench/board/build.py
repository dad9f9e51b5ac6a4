"""`board build`: from a command line and a folder of results to a site."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.board.choice import choose, restricts
from memorax_bench.board.links import INDEX
from memorax_bench.board.pictures import episodes
from memorax_bench.board.rankings import build_rankings
from memorax_bench.board.site import site
from memorax_bench.board.write import known_files, write_site
from memorax_bench.errors import EXIT_NOTHING_MEASURED
from memorax_bench.records.store import Store


class NothingToShow(Exception):
    """No suite that was asked for has a record (exit code 5)."""

    exit_code = EXIT_NOTHING_MEASURED


@dataclass(frozen=True)
class Built:
    """The first page, how many files there are, and what was left out."""

    index: Path
    files: int
    remarks: tuple[str, ...]


def build_board(
    arguments: Sequence[str], results: Path, out: Path, pictures: bool = True, say: Callable[[str], None] = print
) -> Built:
    """Writes the site into `out`; `say` is told what is being done.

    Raises UsageProblems, NotComparable and NothingToShow, before anything is written.
    """
    known = known_files(out)
    chosen, remarks = choose(arguments, results)
    rankings = []
    for resolved, given in chosen:
        scan = Store(results).scan(resolved.label)
        found = build_rankings(resolved, scan, given, outsiders=not restricts(given))
        rankings += found
        if not found:
            remarks.append(f"left out: {resolved.label}: no record of it in {results / resolved.label}")
    if not rankings:
        first = chosen[0][1][0] if chosen else "suite=quick"
        raise NothingToShow("\n".join([*remarks, "no record to show", f"  make some: memorax-bench run {first}"]))
    drawn = episodes(rankings, out, known, pictures, say)
    files = site(rankings, drawn, say)
    write_site(out, files)
    return Built(out / INDEX, len(files), tuple(remarks))
