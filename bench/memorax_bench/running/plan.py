"""What a `run` would do, and why, decided from what is stored: a pure function, no jax.

A seed in a valid record of this code is never run again. Seeds to run go in chunks of `seed_batch`, one record each;
a chunk is run at full width (padded), so that a seed's numbers do not depend on how many are asked for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memorax_bench.code_hash import CodeHash, Modules, code_hash
from memorax_bench.identity import run_id, sha256_json
from memorax_bench.records.record import Record
from memorax_bench.records.store import Scan, StoredFailure, StoredRecord, duplicate_seeds
from memorax_bench.running.reasons import code_changed, failed, newest_of, where, why_new
from memorax_bench.running.widths import WIDEST, Widths
from memorax_bench.suite.catalogue import Catalogue, load_catalogue
from memorax_bench.suite.grid import Cell, cell_roots
from memorax_bench.suite.load import ResolvedSuite

DEFAULT_SEED_BATCH = 8
EVALUATION_WARNING = 0.15
TRACED = ("learning_rate",)  # algorithm settings that are inputs of the compiled program
Labels = tuple[str, str, str]


@dataclass(frozen=True)
class PlannedRun:
    """One chunk of seeds, one record to be."""

    run_id: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Action:
    """What happens to one cell: `new`, `reuse`, `add`, `stale` (again, unless it compiles to the same program: then
    the records are adopted) or `retry`. `seeds` are those to run, in the chunks of `runs`; `estimate` is in seconds;
    `adoptable` are the records of other code that an equal program would make count. `width_is_open`: neither the user
    nor a record has fixed `seed_batch`.
    """

    cell: Cell
    action: str
    seeds: tuple[int, ...]
    reason: str
    seed_batch: int
    code_hash: str
    runs: tuple[PlannedRun, ...]
    compile_group: str
    estimate: float | None
    adoptable: tuple[StoredRecord, ...] = ()
    width_is_open: bool = False

    @property
    def to_do(self) -> bool:
        """Whether anything is to be run."""
        return bool(self.runs)


@dataclass(frozen=True)
class Plan:
    """The actions of all cells in the order of the grid, and what the user should know first."""

    suite: ResolvedSuite
    device_kind: str
    actions: tuple[Action, ...]
    evaluation_share: float | None
    warnings: tuple[str, ...]
    workers: int = 1

    @property
    def to_do(self) -> tuple[Action, ...]:
        """The actions that run something."""
        return tuple(action for action in self.actions if action.to_do)

    @property
    def compile_groups(self) -> int:
        """How many programs will be compiled."""
        return len({action.compile_group for action in self.to_do})

    @property
    def estimate(self) -> float | None:
        """Seconds for everything, by all workers; None where some cell has nothing to estimate from."""
        known = [action.estimate for action in self.to_do]
        if None in known:
            return None
        longest = max((action.estimate / len(action.runs) for action in self.to_do), default=0.0)
        return max(sum(known) / self.workers, longest)


def code_hashes(
    suite: ResolvedSuite, catalogue: Catalogue | None = None, path: Sequence[Any] | None = None
) -> dict[Labels, CodeHash]:
    """The code behind each cell. Raises UsageProblems where a module is missing or does not parse."""
    catalogue = catalogue or load_catalogue()
    roots = {cell.labels: frozenset(cell_roots(cell, catalogue)) for cell in suite.cells}
    modules = Modules(path)
    hashed = {key: code_hash(key, modules=modules) for key in dict.fromkeys(roots.values())}
    return {labels: hashed[key] for labels, key in roots.items()}


def plan(
    suite: ResolvedSuite,
    scan: Scan,
    codes: Mapping[Labels, CodeHash],
    device_kind: str,
    seed_batch: int | None = None,
    catalogue: Catalogue | None = None,
    widths: Widths | None = None,
    workers: int = 1,
) -> Plan:
    """Decides for every cell. `seed_batch` overrides the width that a cell's first record fixed; without either, what
    was measured counts (`widths`). Where there are fewer chunks of seeds than `workers`, they are cut smaller."""
    catalogue = catalogue or load_catalogue()

    def decided(most: int) -> tuple[Action, ...]:
        index = _Index(scan, device_kind, seed_batch, widths, most)
        return tuple(_action(suite, cell, index, codes[cell.labels], device_kind) for cell in suite.cells)

    actions = decided(WIDEST)
    chunked = sum(len(action.runs) for action in actions)
    if 0 < chunked < workers:
        seeds = sum(len(action.seeds) for action in actions)
        actions = decided(max(1, seeds // workers))
    share = evaluation_share(suite.cells, catalogue)
    return Plan(suite, device_kind, actions, share, tuple(_warnings(scan, share)), workers)


def evaluation_share(cells: Iterable[Cell], catalogue: Catalogue) -> float | None:
    """Evaluation's part of all environment steps, by the longest episodes; None where their length is unknown."""
    evaluation = training = 0
    for cell in cells:
        length = catalogue.tasks[cell.config["task"]["id"]].episode_length
        protocol = cell.config["protocol"]
        if length is not None:
            points = protocol["total_env_steps"] // protocol["eval_every"]
            evaluation += points * protocol["eval_episodes"] * length
            training += protocol["total_env_steps"]
    return evaluation / (evaluation + training) if training else None


def compile_group(config: Mapping[str, Any], seed_batch: int) -> str:
    """Cells of one group share a compiled program: they differ only in settings that are its inputs."""
    algorithm = config["algorithm"]
    static = {name: value for name, value in algorithm["settings"].items() if name not in TRACED}
    return sha256_json({**config, "algorithm": {**algorithm, "settings": static}, "seed_batch": seed_batch})[:16]


class _Index:
    """What is stored, by what is asked for."""

    def __init__(self, scan: Scan, device_kind: str, seed_batch: int | None, widths: Widths | None, most: int):
        self.scan, self.seed_batch, self.widths, self.most = scan, seed_batch, widths, most
        self.named: dict[Labels, list[StoredRecord]] = defaultdict(list)
        self.failed: dict[tuple, list[StoredFailure]] = defaultdict(list)
        self.alike: dict[tuple[str, str], list[Record]] = defaultdict(list)  # on this kind of device
        for stored in scan.records:
            record = stored.record
            self.named[_labels(stored)].append(stored)
            if record.numerics.device_kind == device_kind and record.steps_done:
                self.alike[_kinds(record.cell.config)].append(record)
        for failure in scan.failures:
            # failures/<n>.json does not repeat the labels: its folder is made by the harness alone.
            self.failed[failure.path.parts[-6:-3], failure.failure.config_hash].append(failure)


def _action(suite: ResolvedSuite, cell: Cell, stored: _Index, code: CodeHash, device_kind: str) -> Action:
    wanted, scan = suite.seeds, stored.scan
    named = stored.named[cell.labels]
    mine = [
        stored
        for stored in named
        if stored.record.cell.config_hash == cell.config_hash
        and stored.record.cell.track == cell.track
        and stored.record.suite.benchmark_hash == suite.benchmark_hash
    ]
    failures = stored.failed[cell.labels, cell.config_hash]
    current = [stored for stored in mine if code.value in stored.code_hashes]
    fixed = stored.seed_batch or _first_width(mine)
    measured = stored.widths.get(cell.config) if stored.widths and not fixed else None
    batch = fixed or min(measured or DEFAULT_SEED_BATCH, len(wanted), stored.most)
    action, present, reason = _decide(wanted, current, mine, named, failures, cell, suite, code, scan, device_kind)
    seeds = () if action == "reuse" else tuple(seed for seed in wanted if seed not in present)
    runs = chunks(suite.benchmark_hash, cell, code.value, device_kind, batch, seeds)
    estimate = _estimate(cell, len(runs), batch, stored.alike[_kinds(cell.config)]) if runs else 0.0
    group = compile_group(cell.config, batch) if runs else ""
    other = tuple(s for s in mine if s not in current and s.record.numerics.device_kind == device_kind)
    return Action(
        cell, action, seeds, reason, batch, code.value, runs, group, estimate, other if runs else (), fixed is None
    )


def chunks(
    benchmark_hash: str, cell: Cell, code_hash: str, device_kind: str, seed_batch: int, seeds: Sequence[int]
) -> tuple[PlannedRun, ...]:
    """The runs that seeds are made in, `seed_batch` of them at a time."""

    def planned(chunk: Sequence[int]) -> PlannedRun:
        about = {"benchmark_hash": benchmark_hash, "task_label": cell.task_label, "track": cell.track}
        return PlannedRun(run_id(cell.config_hash, code_hash, device_kind, seed_batch, chunk, **about), tuple(chunk))

    return tuple(planned(seeds[start : start + seed_batch]) for start in range(0, len(seeds), seed_batch))


def _decide(wanted, current, mine, named, failures, cell, suite, code, scan, device_kind):
    """(action, seeds present, reason)."""
    by_device: dict[str, dict[int, StoredRecord]] = {}
    for stored in sorted(current, key=lambda stored: stored.record.run_id):
        seeds = by_device.setdefault(stored.record.numerics.device_kind, {})
        for seed in stored.record.seeds:
            seeds.setdefault(seed, stored)
    here = by_device.get(device_kind, {})
    for device, seeds in sorted(by_device.items(), key=lambda item: item[0] != device_kind):
        if set(wanted) <= seeds.keys():
            return "reuse", set(seeds), where(wanted, seeds, code, device if device != device_kind else None)
    missing = set(wanted) - here.keys()
    failures_now = [f for f in failures if f.failure.code_hash == code.value and missing & set(f.failure.seeds)]
    if failures_now:
        return "retry", set(here), failed(failures_now)
    if here:
        return "add", set(here), where(sorted(set(wanted) & here.keys()) or sorted(here), here, code, None)
    stale = [stored for stored in mine if code.value not in stored.code_hashes]
    if stale:
        return "stale", set(), code_changed(newest_of(stale), code, scan)
    if failures:
        return "retry", set(), f"{failed(failures)}; the code has changed since"
    return "new", set(), why_new(by_device, named, cell, suite)


def _estimate(cell: Cell, chunks: int, batch: int, alike: Iterable[Record]) -> float | None:
    """Seconds, scaled from the likest record made on this kind of device, of this algorithm and torso."""
    scored = []
    for record in alike:
        same_task = record.cell.config["task"]["id"] == cell.config["task"]["id"]
        rank = (record.cell.config_hash == cell.config_hash, same_task, record.volatile.created_utc)
        scored.append((rank, record.run_id, record))
    if not scored:
        return None
    record = max(scored, key=lambda entry: entry[:2])[2]
    timing = record.volatile.timing
    scale = cell.config["protocol"]["total_env_steps"] * batch / (record.steps_done * record.seed_batch)
    return timing.trace + timing.compile + chunks * scale * (sum(timing.steady) + timing.eval)


def _warnings(scan: Scan, share: float | None) -> Iterable[str]:
    for bad in scan.invalid:
        yield f"{bad.path} is not valid and does not count ({bad.reason}); delete it to run it again"
    for odd in scan.misplaced:
        yield f"{odd.path} is in the wrong place: {odd.reason}"
    yield from duplicate_seeds(scan.records)
    if share is not None and share > EVALUATION_WARNING:
        yield (
            f"evaluation is {share:.0%} of the environment steps (more than {EVALUATION_WARNING:.0%}); "
            "a larger protocol.eval_every or fewer protocol.eval_episodes would save time"
        )


def _labels(stored: StoredRecord) -> Labels:
    cell = stored.record.cell
    return cell.task, cell.algorithm, cell.torso


def _kinds(config: Mapping[str, Any]) -> tuple[str, str]:
    return config["torso"]["type"], config["algorithm"]["type"]


def _first_width(records: Sequence[StoredRecord]) -> int | None:
    first = min(records, key=lambda s: (s.record.volatile.created_utc, s.record.run_id), default=None)
    return None if first is None else first.record.seed_batch


def counts(actions: Iterable[Action]) -> str:
    """`3 reuse, 4 add`."""
    number = Counter(action.action for action in actions)
    order = ("reuse", "new", "add", "stale", "retry")
    return ", ".join(f"{number[name]} {name}" for name in order if number[name])
