"""The strategies of every memoroid cell against each other: a report, no asv benchmark.

python bench/speed/strategies.py --quick             # few and short sequences: whether it works, not how fast it is
python bench/speed/strategies.py --only lru mamba2   # these cells
python bench/speed/strategies.py --write             # all cells, into docs/scan-strategies.md; 15 minutes, when idle
python bench/speed/strategies.py --write --only gla  # this cell anew; what was measured of the others stays
python bench/speed/strategies.py --full              # more lengths, batches and chunks, forward too; hours
"""

import argparse
import itertools
import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax

from memorax.networks import Memoroid, MemoroidCell
from memorax.networks.sequence_models import scans
from memorax.registry import SEQUENCE_MODELS
from speed import measuring
from speed.strategies_page import Comparison, bars, line, page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scan-strategies.md"
FOUND = ROOT / "results" / "speed" / "strategies.json"  # what the page is made of
LARGEST = 8 * 2**30  # bytes of temporary memory above which a way is not run; most associative scans need less


@dataclass(frozen=True)
class Effort:
    """The sequences (T, B) measured, the chunks besides the cell's own, and the time for each comparison."""

    places: tuple[tuple[int, int], ...]
    chunks: tuple[int, ...]
    rounds: int = 5
    budget: float = 2.0  # seconds
    passes: tuple[str, ...] = ("gradient",)


NORMAL = Effort(((8, 2), (1024, 2), (8, 64), (128, 64), (1024, 64)), chunks=(8, 16))
QUICK = Effort(((8, 2), (64, 2)), chunks=(16,), rounds=2, budget=0.5)
FULL = Effort(
    tuple(itertools.product((8, 32, 128, 512, 1024, 4096), (2, 16, 64))),
    chunks=(16, 32, 64, 128),
    rounds=9,
    budget=20.0,
    passes=("gradient", "forward"),
)


def ways(cell: MemoroidCell, length: int, chunks: Iterable[int]) -> dict[str, Memoroid]:
    """A torso for each way that the cell has to run over `length` steps; chunks longer than that are all the same."""
    found = {"sequential": Memoroid(cell, strategy="sequential")}
    if cell.associative:
        found["associative"] = Memoroid(cell, strategy="associative")
    if cell.chunk_length is not None:
        lengths = sorted({min(chunk, length) for chunk in (cell.chunk_length, *chunks)})
        for chunk in lengths:
            config = replace(cell.config, chunk_length=chunk)
            found[f"chunked {chunk}"] = Memoroid(type(cell)(config=config), strategy="chunked")
    return found


def choice(cell: MemoroidCell, length: int) -> str:
    """What `scans.choose` picks here, as `ways` calls it."""
    strategy = scans.choose(cell, length, jax.default_backend())
    return f"chunked {min(cell.chunk_length, length)}" if strategy == "chunked" else strategy


def compare(name: str, batch: int, length: int, effort: Effort) -> Iterator[Comparison]:
    """All ways in turns, for each pass that is asked for."""
    cell = measuring.cell_of(name)
    torsos = ways(cell, length, effort.chunks)
    arguments = measuring.sequences(torsos["sequential"], batch, length)
    for done in effort.passes:
        functions = {
            way: measuring.gradient(torso) if done == "gradient" else torso.apply for way, torso in torsos.items()
        }
        programs = measuring.compile_programs(functions, *arguments)
        memory = {way: program.temporary_bytes for way, program in programs.items()}
        calls = {way: programs[way].call for way in programs if memory[way] <= LARGEST}
        taken = measuring.in_turns(calls, effort.rounds, effort.budget)
        seconds = {way: statistics.median(times) for way, times in taken.items()}
        yield Comparison(name, batch, length, seconds, memory, choice(cell, length), done)


def merged(new: list[Comparison]) -> list[Comparison]:
    """With those that are stored of other cells, in the order of names."""
    stored = [Comparison(**one) for one in json.loads(FOUND.read_text())] if FOUND.exists() else []
    cells = {one.cell for one in new}
    return sorted([*new, *(one for one in stored if one.cell not in cells)], key=lambda one: one.cell)


def main(arguments: list[str] | None = None) -> None:
    cells = [name for name in SEQUENCE_MODELS if isinstance(measuring.cell_of(name), MemoroidCell)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="measure these cells")
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_const", const=QUICK, dest="effort", help="to see whether it works")
    effort.add_argument("--full", action="store_const", const=FULL, dest="effort", help="the whole grid, forward too")
    parser.add_argument("--write", action="store_true", help=f"write docs/{PAGE.name}")
    chosen = parser.parse_args(arguments)
    effort = chosen.effort or NORMAL
    if chosen.write and effort is QUICK:
        parser.error("--write is for numbers that mean something; leave out --quick")
    comparisons = []
    for name in measuring.chosen_names(parser, chosen.only, cells):
        for length, batch in effort.places:
            for comparison in compare(name, batch, length, effort):
                comparisons.append(comparison)
                print(comparison.done, *line(comparison), sep=" | ", flush=True)
    print(bars(comparisons))
    if chosen.write:
        comparisons = merged(comparisons)
        FOUND.write_text(json.dumps([asdict(one) for one in comparisons], indent=0) + "\n", encoding="utf-8")
        PAGE.write_text(page(comparisons, effort.rounds, LARGEST), encoding="utf-8")
        print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
