"""The record of a run, schema 1: what was run, what came out, what it cost, on what.

Immutable once published. `volatile` is what another run of the same code on the same device may change; everything
else enters `result_hash`. A seed that diverged stays: its final is null and its `finite` is false.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, ValidationError, model_validator

from memorax_bench.identity import NOT_RESULT, UNTUNED, config_hash, result_hash, suite_label
from memorax_bench.records.leaves import altered_leaves, leaf_digests
from memorax_bench.records.plain_json import load_json
from memorax_bench.suite.schema import MAX_SEED, Closed, Slug, Track, Tuning
from memorax_bench.suite.tracks import RATE, best_rates

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Digests = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{4})+$")]
Count = Annotated[int, Field(ge=0, strict=True)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]

_SHOWN = 8  # altered values that are named


def is_null(value: object) -> bool:
    """Of fields that came after the first records: left out where they are null, so that the hashes of those hold."""
    return value is None


class InvalidRecord(ValueError):
    """A file that is not a valid record; the message says why."""


class SuiteRef(Closed):
    """The suite the run belongs to; the hash tells an altered suite from the published one."""

    name: Slug
    version: Count
    benchmark_hash: Sha256

    def label(self, published: str | None) -> str:
        """`name@version`, with `+<hash8>` where the frozen part is not the published one."""
        return suite_label(self.name, self.version, self.benchmark_hash, published)


class CellRef(Closed):
    """Which cell of the grid, and its resolved configuration. `track` says how its settings were found, `tuning` what
    that took, on `lr4` with the score of every learning rate; absent on `fixed`."""

    task: Slug
    algorithm: Slug
    torso: Slug
    track: Track
    config: dict[str, JsonValue]
    config_hash: Sha256
    tuning: Tuning | None = Field(default=None, exclude_if=is_null)


class Comparable(Closed):
    """What must be equal for two records to be compared."""

    task_id: str
    task_version: Count
    task_package: str
    protocol: dict[str, JsonValue]


class CodeRef(Closed):
    """Which code: the hash of the modules involved, of the compiled program, the commit and how it differed."""

    code_hash: Sha256
    program_hash: Sha256
    commit: str | None
    dirty_sha256: Sha256 | None
    user_module_sha256: Sha256 | None


class Curves(Closed):
    """The learning curves beside the record."""

    file: str
    sha256: Sha256
    columns: tuple[str, ...]


class Results(Closed):
    """Per seed, in the order of `seeds`: scores in the task's own units; `final_returns` are single episodes.

    `extrapolation`: label -> mean return of the final agent in that variant of its task; absent where there is none.
    """

    final: tuple[float | None, ...]
    auc: tuple[float | None, ...]
    best: tuple[float | None, ...]
    finite: tuple[bool, ...]
    final_returns: tuple[tuple[float | None, ...], ...]
    curves: Curves
    extrapolation: dict[Slug, tuple[float | None, ...]] | None = Field(default=None, exclude_if=is_null)


class Gate(Closed):
    """One validity check of the torso or the algorithm, and how far off it was."""

    passed: bool = Field(alias="pass")
    max_rel: float | None = None


class Flops(Closed):
    """A count and the counter that made it."""

    value: float
    by: str


class Cost(Closed):
    """Size and work; null where this backend cannot tell."""

    parameters: Count
    torso_parameters: Count
    state_bytes: Count
    flops_per_env_step: Flops | None
    temp_bytes: Count | None


class Numerics(Closed):
    """What decides the last bits."""

    device_kind: str
    jax: str
    jaxlib: str
    x64: bool
    matmul: str
    prng: str


class Timing(Closed):
    """Seconds: tracing, compiling, each executed segment of training, evaluation, one acting step of batch 1; `checks`:
    of the gates, and of measuring that step. `cache` is what the persistent cache had of the training program; hits and
    misses count all programs of the cell."""

    trace: float
    compile: float
    cache: Literal["miss", "hit", "off"]
    cache_hits: int | None = Field(default=None, exclude_if=is_null)
    cache_misses: int | None = Field(default=None, exclude_if=is_null)
    steady: tuple[float, ...]
    eval: float
    step: float | None = Field(default=None, exclude_if=is_null)
    checks: float | None = Field(default=None, exclude_if=is_null)


class Volatile(Closed):
    """What may differ between two runs of the same thing."""

    created_utc: str
    machine_label: str
    argv: tuple[str, ...]
    load: tuple[float, ...]
    timing: Timing
    steps_per_s: float
    # environment steps of the checkpoints it went on from
    resumed_at: tuple[int, ...] | None = Field(default=None, exclude_if=is_null)


class Record(Closed):
    """record.json."""

    schema_version: Literal[1] = Field(alias="schema")
    run_id: RunId
    result_hash: Sha256
    status: Literal["ok"]
    rankable: bool
    not_rankable_because: tuple[str, ...]
    suite: SuiteRef
    cell: CellRef
    comparable: Comparable
    code: CodeRef
    seeds: tuple[Seed, ...] = Field(min_length=1)
    seed_batch: Annotated[Count, Field(ge=1)]
    key_scheme: Literal[1]
    steps_done: Count
    results: Results
    gates: dict[str, Gate]
    cost: Cost
    numerics: Numerics
    versions: dict[str, str]
    leaf_digests: Digests | None = Field(default=None, exclude_if=is_null)  # which value was altered, if one was
    volatile: Volatile

    @model_validator(mode="after")
    def _consistent(self) -> "Record":
        if list(self.seeds) != sorted(set(self.seeds)):
            raise ValueError("seeds must be sorted and each once")
        if len(self.seeds) > self.seed_batch:
            raise ValueError(f"{len(self.seeds)} seeds do not fit a seed_batch of {self.seed_batch}")
        results = self.results
        for name in ("final", "auc", "best", "finite", "final_returns"):
            if len(getattr(results, name)) != len(self.seeds):
                raise ValueError(f"results.{name} has {len(getattr(results, name))} values for {len(self.seeds)} seeds")
        for label, values in (results.extrapolation or {}).items():
            if [value is not None for value in values] != list(results.finite):
                raise ValueError(
                    f"results.extrapolation.{label} must have a value exactly where results.finite is true"
                )
        if any((final is not None) != finite for final, finite in zip(results.final, results.finite, strict=True)):
            raise ValueError("results.final must be null exactly where results.finite is false")
        if self.rankable == bool(self.not_rankable_because):
            raise ValueError("a record is rankable exactly when not_rankable_because is empty")
        if self.cell.config_hash != config_hash(self.cell.config):
            raise ValueError("cell.config_hash is not the hash of cell.config")
        _check_tuning(self.cell, self.seeds)
        return self


class Failure(Closed):
    """failures/<n>.json: a run that ended without a record. `kind` is a word or two: `out of memory`, `NaN`."""

    schema_version: Literal[1] = Field(alias="schema", default=1)
    run_id: RunId
    config_hash: Sha256
    code_hash: Sha256
    device_kind: str
    seeds: tuple[Seed, ...]
    created_utc: str
    kind: str
    message: str
    traceback_tail: tuple[str, ...] = ()


class Adoption(Closed):
    """One code under which a record still holds: it compiles to the same program."""

    code_hash: Sha256
    program_hash: Sha256
    jaxlib: str
    commit: str | None
    created_utc: str


class Adopted(Closed):
    """adopted.json, beside a record."""

    schema_version: Literal[1] = Field(alias="schema", default=1)
    adoptions: tuple[Adoption, ...]


def _check_tuning(cell: CellRef, seeds: tuple[int, ...]) -> None:
    """Raises ValueError where a cell does not say of its track what it has to, or says more."""
    tuning = cell.tuning
    if (tuning is None) != (cell.track == UNTUNED):
        raise ValueError(f"cell.tuning must be there exactly where cell.track is not {UNTUNED}")
    if tuning is None:
        return
    if set(tuning.seeds) & set(seeds):
        raise ValueError(f"seed {min(set(tuning.seeds) & set(seeds))} was used to find the settings")
    if cell.track != "lr4":
        return
    if not (tuning.scores and tuning.suite and tuning.benchmark_hash):
        raise ValueError("cell.tuning of the track lr4 must have scores, suite and benchmark_hash")
    algorithm = cell.config.get("algorithm")
    settings = algorithm.get("settings") if isinstance(algorithm, dict) else None
    if not isinstance(settings, dict) or settings.get(RATE) not in best_rates(tuning.scores):
        raise ValueError(f"the {RATE} of cell.config is not the best of cell.tuning.scores")


def seal(data: dict[str, Any]) -> Record:
    """A record from everything but its `result_hash` and `leaf_digests`, which are computed here from the typed values.

    Raises InvalidRecord.
    """
    draft = _validate({**data, "result_hash": "0" * 64, "leaf_digests": None})
    plain = dump(draft)
    return draft.model_copy(update={"result_hash": result_hash(plain), "leaf_digests": leaf_digests(_sealed(plain))})


def dump(record: Closed) -> dict[str, Any]:
    """The plain data of a record, failure or adoption, keys in the schema's order."""
    return record.model_dump(mode="json", by_alias=True)


def encode(record: Closed) -> bytes:
    """The bytes of the file: one line per top-level key, so that it is small and still can be read."""
    lines = (f"{json.dumps(key)}:{_compact(value)}" for key, value in dump(record).items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def decode(data: bytes) -> Record:
    """Checks schema, consistency, `leaf_digests` and `result_hash`. Raises InvalidRecord, which names what was altered
    where the record has digests."""
    plain = _load(data)
    altered = _altered(plain)
    try:
        record = _validate(plain)
        expected = result_hash(dump(record))
    except ValueError as error:  # of text that is none, too
        raise InvalidRecord("; ".join([*altered, str(error)])) from error
    if record.result_hash != expected:
        altered += (f"result_hash {record.result_hash[:8]} does not fit the contents ({expected[:8]})",)
    if altered:
        raise InvalidRecord("; ".join(altered))
    return record


def decode_own(data: bytes) -> Record:
    """The same of a record of one's own: it is what its `result_hash` says, without a look at every leaf.

    A tenth of the time. What does not pass `decode` judges, in its words. Raises InvalidRecord.
    """
    try:
        record = Record.model_validate_json(data)
        if record.result_hash == result_hash(dump(record)):
            return record
    except ValueError:
        pass
    return decode(data)


def read_record(path: str | Path, own: bool = False) -> Record:
    """Reads and checks a record.json; `own`: as `decode_own` does. Raises InvalidRecord."""
    try:
        return (decode_own if own else decode)(Path(path).read_bytes())
    except OSError as error:
        raise InvalidRecord(f"cannot be read: {error.strerror}") from error


def brief(record: Record) -> Record:
    """The record without its configuration and single episodes, which are most of its size and enter no comparison.

    `result_hash` stays that of the whole.
    """
    results = record.results.model_copy(update={"final_returns": ()})
    return record.model_copy(update={"cell": record.cell.model_copy(update={"config": {}}), "results": results})


def decode_as(model: type[Closed], data: bytes) -> Any:
    """Reads a failure or adoption file. Raises InvalidRecord."""
    return _validate(_load(data), model)


def record_schema() -> dict[str, Any]:
    """The JSON Schema of record.json."""
    return Record.model_json_schema(by_alias=True)


def _load(data: bytes) -> Any:
    try:
        return load_json(data)
    except ValueError as error:
        raise InvalidRecord(str(error)) from error


def _sealed(plain: dict[str, Any]) -> dict[str, Any]:
    """What a seal is about."""
    return {key: value for key, value in plain.items() if key not in NOT_RESULT}


def _altered(plain: Any) -> tuple[str, ...]:
    """One text for each value that is not the one that was sealed."""
    digests = plain.get("leaf_digests") if isinstance(plain, dict) else None
    found = altered_leaves(_sealed(plain), digests) if isinstance(digests, str) else ()
    return tuple(f"{path} = {repr(value)[:80]} is not the value that was sealed" for path, value in found[:_SHOWN])


def _validate(data: Any, model: type[Closed] = Record) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        reasons = (f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg']}" for e in error.errors())
        raise InvalidRecord("; ".join(reasons)) from error
    except ValueError as error:
        raise InvalidRecord(str(error)) from error


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
