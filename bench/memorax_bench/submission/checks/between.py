"""Between records: seeds are a whole range, each once; what must be equal in several of them is."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from memorax_bench.identity import sha256_json
from memorax_bench.records.comparability import INPUTS, differences, key_of
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.records.record import Record
from memorax_bench.records.store import duplicate_seeds
from memorax_bench.submission.checks.costs import torso_inputs
from memorax_bench.submission.findings import Finding, finding
from memorax_bench.submission.reading import Found
from memorax_bench.suite.tracks import SEEDS
from memorax_bench.suite.tracks import SUITE as TRIALS

Group = Callable[[Record], tuple]


def between(found: Sequence[Found]) -> Iterator[Finding]:
    """What is wrong with records together that is right in each."""
    yield from _seeds(found)
    yield from _duplicates(found)
    yield from _adoptions(found)
    for leaf, group, value in _SHARED:
        yield from _agreement(found, leaf, group, value)
    yield from _comparable(found)


def _cell(record: Record) -> tuple:
    cell = record.cell
    labels = (cell.task, cell.algorithm, cell.torso, cell.config_hash)
    return (record.suite.benchmark_hash, *labels, record.numerics.device_kind)


def _agent(record: Record) -> tuple:
    """Records of one agent."""
    return (*_cell(record), record.code.code_hash)


def _program(record: Record) -> tuple:
    """Records of one compiled program."""
    return (*_agent(record), record.numerics.jaxlib, record.seed_batch)


def _torso(record: Record) -> tuple:
    """Records whose torsos are alike: of one class, one size, reading as many numbers."""
    config = record.cell.config
    reads = torso_inputs(config) or record.cell.task
    return record.code.code_hash, sha256_json([config.get("torso"), config.get("network"), reads])


def _memory(record: Record) -> tuple:
    """Records whose agents remember alike."""
    algorithm = record.cell.config.get("algorithm")
    return (*_torso(record), algorithm.get("type") if isinstance(algorithm, dict) else None)


_SHARED: tuple[tuple[str, Group, Callable[[Record], Any]], ...] = (
    ("cost.parameters", _agent, lambda record: record.cost.parameters),
    ("cost.flops_per_env_step.value", _program, lambda record: record.cost.flops_per_env_step),
    ("cost.temp_bytes", _program, lambda record: record.cost.temp_bytes),
    ("code.program_hash", _program, lambda record: record.code.program_hash),
    ("cost.torso_parameters", _torso, lambda record: record.cost.torso_parameters),
    ("cost.state_bytes", _memory, lambda record: record.cost.state_bytes),
)


def _seeds(found: Iterable[Found]) -> Iterator[Finding]:
    """A cell has the seeds from 0 on, none left out: which seeds are shown is nobody's choice. A trial has its own."""
    cells: dict[tuple, list[Found]] = defaultdict(list)
    for item in found:
        cells[_cell(item.record)].append(item)
    for items in cells.values():
        seeds = {seed for item in items for seed in item.record.seeds}
        if items[0].record.suite.name == TRIALS:
            if seeds != set(SEEDS):
                yield finding(
                    items[0].place, "seeds", f"{seed_ranges(seeds)}; those of a trial are {seed_ranges(SEEDS)}"
                )
            continue
        left_out = set(range(max(seeds) + 1)) - seeds if max(seeds) < 10**6 else seeds
        if left_out:
            why = f"{seed_ranges(seeds)}; of the range from 0 on are left out: {seed_ranges(sorted(left_out)[:50])}"
            yield finding(items[0].place, "seeds", why)


def _duplicates(found: Sequence[Found]) -> Iterator[Finding]:
    places = {item.record.run_id: item.place for item in reversed(found)}
    for why in duplicate_seeds([item.stored for item in found]):
        yield finding(next((place for run, place in places.items() if run in why), ""), "seeds", why)


def _adoptions(found: Iterable[Found]) -> Iterator[Finding]:
    """A record holds for other code only where that compiled to the same program."""
    for item in found:
        for number, adoption in enumerate(item.stored.adoptions):
            for name, due in (("program_hash", item.record.code.program_hash), ("jaxlib", item.record.numerics.jaxlib)):
                if getattr(adoption, name) != due:
                    yield finding(item.place, f"adoptions.{number}.{name}", "not that of the record, which it adopts")


def _agreement(found: Iterable[Found], leaf: str, group: Group, value: Callable) -> Iterator[Finding]:
    """Names those that differ from what most of their group say."""
    groups: dict[tuple, list[Found]] = defaultdict(list)
    for item in found:
        groups[group(item.record)].append(item)
    for items in groups.values():
        counts = Counter(value(item.record) for item in items)
        usual, number = counts.most_common(1)[0]
        for item in items if len(counts) > 1 else ():
            if value(item.record) != usual or number == 1:
                shown = ", ".join(str(_plain(other)) for other in counts)
                yield finding(item.place, leaf, f"{_plain(value(item.record))}; records that must agree say {shown}")


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _comparable(found: Iterable[Found]) -> Iterator[Finding]:
    """Records of one task are made under one protocol, with one version of the package that it comes from."""
    first: dict[tuple, Found] = {}
    for item in found:
        record = item.record
        known = first.setdefault((record.suite.benchmark_hash, record.cell.task), item)
        for one in differences(key_of(known.record), key_of(record)):
            if one.field != INPUTS:
                yield finding(item.place, one.field, f"{one} in {known.place} and here: they cannot be compared")
