"""The track: what a record on lr4 says of its learning rate is what the rule allows and what the suite says."""

import functools

from memorax_bench.submission.checks.subject import Subject
from memorax_bench.submission.findings import Said
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.schema import Tuning
from memorax_bench.suite.tracks import RATES, SUITE, entry_name, settings_hash
from memorax_bench.suite.trials import tuning_on

_WHERE = "cell.tuning"


def tracks(subject: Subject) -> Said:
    """Tasks, seeds, steps and learning rates of the trials; of an entry that the suite itself has tuned, the scores."""
    cell = subject.record.cell
    said = cell.tuning
    if cell.track != "lr4" or said is None:
        return
    due = _rule()
    for name in ("suite", "benchmark_hash", "trials", "seeds", "env_steps"):
        found, asked = getattr(said, name), getattr(due, name)
        if found != asked:
            yield f"{_WHERE}.{name}", f"{found}; on the track lr4 it is {asked}"
    if said.scores.keys() != set(RATES.values()):
        yield f"{_WHERE}.scores", f"not those of {', '.join(RATES)}"
        return
    known = (
        None if subject.suite is None else subject.suite.suite.entries.tuned.get(entry_name(cell.algorithm, cell.torso))
    )
    if known is not None and known.settings == settings_hash(cell.config, due.benchmark_hash):
        yield from _as_published(subject, known.learning_rate, known.scores)


def _as_published(subject: Subject, learning_rate: float, scores: dict[float, float]) -> Said:
    cell, label = subject.record.cell, subject.suite.label
    for rate, score in scores.items():
        if cell.tuning.scores[rate] != score:
            yield f"{_WHERE}.scores.{rate}", f"{cell.tuning.scores[rate]:g}; {label} says {score:g}"
    used = cell.config["algorithm"]["settings"]["learning_rate"]
    if used != learning_rate:
        yield "cell.config.algorithm.settings.learning_rate", f"{used:g}; {label} has chosen {learning_rate:g}"


@functools.cache
def _rule() -> Tuning:
    return tuning_on(load_suite(SUITE))
