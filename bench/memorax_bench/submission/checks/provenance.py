"""Where a record comes from: forms of hashes and times, versions that fit one another, texts that can be printed."""

import re
from datetime import datetime

from memorax_bench.identity import KEY_SCHEME
from memorax_bench.records.leaves import leaves
from memorax_bench.records.record import dump
from memorax_bench.submission.checks.subject import Subject, close, section, whole
from memorax_bench.submission.findings import Said
from memorax_bench.submission.words import is_printable

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_VERSION = re.compile(r"\d[\w.+!-]*", re.ASCII)
_MATMUL = ("default", "high", "highest", "float32", "tensorfloat32", "bfloat16", "bfloat16_3x")


def provenance(subject: Subject) -> Said:
    """Nothing here says that it is true; only that it can be."""
    record = subject.record
    yield from ((path, "holds what cannot be printed") for path in _unprintable(subject))
    if record.code.commit is not None and not _COMMIT.fullmatch(record.code.commit):
        yield "code.commit", f"{record.code.commit} is no commit"
    numerics = record.numerics
    if numerics.x64:
        yield "numerics.x64", "the protocol's precision is float32"
    if numerics.prng != "threefry2x32":
        yield "numerics.prng", f"{numerics.prng}; keys of scheme {KEY_SCHEME} are threefry2x32"
    if numerics.matmul not in _MATMUL:
        yield "numerics.matmul", f"{numerics.matmul} is no precision of jax"
    versions = {"numerics.jax": numerics.jax, "numerics.jaxlib": numerics.jaxlib}
    versions |= {f"versions.{name}": version for name, version in record.versions.items()}
    yield from ((path, f"{said} is no version") for path, said in versions.items() if not _VERSION.fullmatch(said))
    yield from _times(subject)


def _unprintable(subject: Subject) -> list[str]:
    found = []
    for path, value in leaves(dump(subject.record)):
        if not is_printable(path):
            return ["a name in the record"]
        if isinstance(value, str) and not is_printable(value):
            found.append(path)
    return found


def _times(subject: Subject) -> Said:
    """What another run may change, and still has to be possible."""
    volatile = subject.record.volatile
    try:
        datetime.strptime(volatile.created_utc, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        yield "volatile.created_utc", f"{volatile.created_utc} is not of the form 2026-11-22T09:00:00Z"
    steady, protocol = volatile.timing.steady, section(subject.config, "protocol")
    total, every = (whole(protocol.get(name)) for name in ("total_env_steps", "eval_every"))
    if total and every and len(steady) != total // every:
        yield "volatile.timing.steady", f"{len(steady)} segments; the protocol has {total // every}"
    elif min(steady, default=0.0) <= 0:
        yield "volatile.timing.steady", "a segment takes time"
    else:
        steps = len(subject.record.seeds) * subject.record.steps_done
        if not close(volatile.steps_per_s * sum(steady), steps):
            yield "volatile.steps_per_s", f"{volatile.steps_per_s:g}; by steps and times it is {steps / sum(steady):g}"
