"""Tier 1: programs and costs are those of the configuration, and numbers those that training gives."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memorax_bench.records.leaves import leaves
from memorax_bench.records.record import Record, dump
from memorax_bench.stats import ROUNDING, failed_as
from memorax_bench.submission.findings import Finding, finding
from memorax_bench.submission.machine import Again
from memorax_bench.submission.reading import Found
from memorax_bench.suite.schema import Task

TOLERANCE = 1e-5  # of the range of a task's returns, by which numbers may differ and count as the same
LEVEL = 0.01  # of the one-sided test where they differ by more

SAME, WITHIN, OTHER, REFUSED, FAILED = "the same, bit for bit", "within rounding", "other", "refused", "failed"
_REPEATED = ("results", "gates", "cost", "steps_done")  # what another training of the same program makes again


@dataclass(frozen=True)
class Verdict:
    """Of a record that was run again: one of the words above, what is to be said of it, and what is refused."""

    item: Found
    word: str
    said: str = ""
    refused: tuple[Finding, ...] = ()


def judge_account(item: Found, account: Mapping[str, Any] | None, code_hash: str, jaxlib: str, kind: str) -> Verdict:
    """Whether programs and costs are those that the record's configuration has, by this code, traced here."""
    record = item.record
    if account is None:
        return Verdict(item, FAILED, "the library does not build it")
    own = code_hash in item.stored.code_hashes
    same = record.code.program_hash == account["program_hash"]
    if not same and not own:
        return Verdict(item, OTHER, f"other code, of commit {(record.code.commit or 'unknown')[:8]}: check that out")
    refused = []
    if not same and (record.numerics.jaxlib, record.numerics.device_kind) == (jaxlib, kind):
        refused.append(finding(item.place, "code.program_hash", "not that of the configuration by this code"))
    cost = dump(record)["cost"]
    for path, due in leaves({name: value for name, value in account.items() if name != "program_hash"}):
        value = _at(cost, path)
        if value != due:
            refused.append(finding(item.place, f"cost.{path}", f"{value}; of this configuration it is {due}"))
    return Verdict(item, REFUSED if refused else SAME if same else WITHIN, "", tuple(refused))


def judge(again: Again, task: Task) -> Verdict:
    """Equal bits, equal within the task's tolerance, or else no better by Welch's test of the final scores."""
    item = again.item
    if not again.made:
        return Verdict(item, FAILED, again.why)
    (made,) = again.made
    tolerance, apart = task_tolerance(task), _apart(item.rows, made.rows)
    if apart == 0:
        refused = tuple(_unequal(item, made.record))
        return Verdict(item, REFUSED if refused else SAME, "", refused)
    if apart <= tolerance:
        return Verdict(item, WITHIN, f"at most {apart:.1g} apart; allowed are {tolerance:.1g}")
    p = one_sided_p(*(failed_as(one.results.final, task.hard_min) for one in (item.record, made.record)))
    said = f"{apart:.2g} apart{_alike(item.record, made.record)}"
    if math.isnan(p):
        return Verdict(item, OTHER, f"{said}; of one seed nothing can be told")
    if p < LEVEL:
        why = f"better than run again: one-sided p {p:.2g} by Welch's test, {said}"
        return Verdict(item, REFUSED, said, (finding(item.place, "results.final", why),))
    return Verdict(item, OTHER, f"{said}; not better: one-sided p {p:.2g}")


def task_tolerance(task: Task) -> float:
    """By how much returns of a task may differ between two runs that count as equal."""
    return TOLERANCE * (task.hard_max - task.hard_min)


def one_sided_p(better: np.ndarray, than: np.ndarray) -> float:
    """Welch's test of two sets of runs, `better[n]` being no better `than[m]`; NaN where either is one run."""
    from scipy.stats import ttest_ind

    if min(len(better), len(than)) < 2:
        return math.nan
    if not (np.ptp(better) or np.ptp(than)):  # no spread, so that any difference is one
        return 0.0 if better.mean() > than.mean() + ROUNDING else 1.0
    return float(ttest_ind(better, than, equal_var=False, alternative="greater").pvalue)


def _apart(first: tuple, second: tuple) -> float:
    """The largest difference of two curves; infinite where they are not of the same evaluations."""
    if [(row["seed"], row["env_step"]) for row in first] != [(row["seed"], row["env_step"]) for row in second]:
        return math.inf
    a, b = (np.array([list(row.values()) for row in rows]) for rows in (first, second))
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return math.inf
    return float(np.nanmax(np.abs(a - b), initial=0.0))


def _unequal(item: Found, made: Record) -> Iterator[Finding]:
    """What differs though every number of the curves is the same."""
    first, second = ({name: dump(one)[name] for name in _REPEATED} for one in (item.record, made))
    found, due = dict(leaves(first)), dict(leaves(second))
    for path in sorted(found.keys() | due.keys()):
        if path != "results.curves.sha256" and found.get(path) != due.get(path):
            yield finding(item.place, path, f"{found.get(path)}; run again it is {due.get(path)}")


def _alike(first: Record, second: Record) -> str:
    same = first.code.program_hash == second.code.program_hash and first.numerics == second.numerics
    return ", though of the same program, jaxlib and kind of device" if same else ""


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data
