"""The trials of the track lr4: every entry of a suite at each learning rate, as cells of the suite that it is tuned on.

They are cells like all others: planned, run, kept and resumed in the same way, under the label of that suite. Those of
an entry differ in the learning rate alone, so that they share their compiled programs.
"""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.catalogue import Catalogue, load_catalogue
from memorax_bench.suite.checks import check_schedules, check_updates
from memorax_bench.suite.coerce import to_float
from memorax_bench.suite.entries import ALGORITHMS
from memorax_bench.suite.grid import Cell, why_not
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Tuning
from memorax_bench.suite.tracks import RATE, RATES, SEEDS, SHARE, entry_name, settings_hash
from memorax_bench.suite.user_algorithm import with_user_algorithms
from memorax_bench.suite.yaml_source import Findings

_NAMED = 6  # entries named in a message before the rest is counted only


@dataclass(frozen=True)
class Trials:
    """`suite` has the cells of all trials; `tuning` says what those of one entry take.

    By entry (`ppo/gru`), in the order of the suite tuned: `settings` is the hash of what it is tuned with, `usual` the
    learning rate that it has without.
    """

    suite: ResolvedSuite
    tuning: Tuning
    settings: Mapping[str, str]
    usual: Mapping[str, float]

    def cells(self, entry: str, rate: str) -> list[Cell]:
        """Those of one entry at one learning rate, a key of RATES: one cell a task."""
        algorithm, _, torso = entry.partition("/")
        return [cell for cell in self.suite.cells if cell.labels[1:] == (trial_label(algorithm, rate), torso)]


def trial_label(algorithm: str, rate: str) -> str:
    """`ppo-1e-3`: the label of an algorithm at a learning rate, among the trials."""
    return f"{algorithm}-{rate}"


def make_trials(target: ResolvedSuite, tuned_on: ResolvedSuite, catalogue: Catalogue | None = None) -> Trials:
    """The trials of the entries of `target`, on the tasks and by the protocol of `tuned_on`, whose own entries do not
    matter. Raises UsageProblems where `target` is not to be tuned, or not on these."""
    _refuse_track(target)
    entries = tuple({cell.labels[1:]: cell for cell in target.cells}.values())
    tasks = tuple({cell.task_label: cell for cell in tuned_on.cells if cell.role != "oracle"}.values())
    _refuse_budget(target, tuned_on, tasks)
    inputs = tuned_on.suite.protocol.inputs
    cells = tuple(_trial(task, entry, rate, inputs) for task in tasks for entry in entries for rate in RATES)
    known = _known(target, entries, catalogue or load_catalogue())
    _refuse_impossible(target, entries, cells, known)
    names = {entry_name(*entry.labels[1:]): entry for entry in entries}
    return Trials(
        suite=dataclasses.replace(tuned_on, seeds=SEEDS, cells=cells, not_applicable=(), origins=target.origins),
        tuning=tuning_on(tuned_on),
        settings={name: settings_hash(entry.config, tuned_on.benchmark_hash) for name, entry in names.items()},
        usual={name: _usual(target, entry, known) for name, entry in names.items()},
    )


def tuning_on(tuned_on: ResolvedSuite) -> Tuning:
    """What the trials of one entry take."""
    steps = {cell.task_label: _steps(cell) for cell in tuned_on.cells}
    return Tuning(
        suite=tuned_on.label,
        benchmark_hash=tuned_on.benchmark_hash,
        trials=len(RATES),
        seeds=SEEDS,
        env_steps=len(RATES) * len(SEEDS) * sum(steps.values()),
    )


def refuse_untuned(suite: ResolvedSuite, arguments: Sequence[str]) -> None:
    """Raises UsageProblems where an entry on the track lr4 has no learning rate, or only one for other settings.

    arguments: the suite and the overrides as given on the command line, which the fix repeats
    """
    lacking = dict.fromkeys(cell.labels[1:] for cell in suite.cells if cell.track == "lr4" and cell.tuning is None)
    if not lacking:
        return
    names = [entry_name(*labels) for labels in lacking]
    known = suite.suite.entries.tuned
    untuned = [name for name in names if name not in known]
    changed = [name for name in names if name in known]
    message = "; ".join(
        [*[f"not tuned yet: {_listed(untuned)}"] * bool(untuned)]
        + [f"tuned with other settings: {_listed(changed)}"] * bool(changed)
    )
    chosen = ("tasks=", "torsos=", "seeds=", "~tasks", "~torsos")
    kept = [argument for argument in arguments if not argument.startswith(chosen)]
    if set(lacking) != {cell.labels[1:] for cell in suite.cells} or len(kept) < len(arguments):
        kept.append(f"torsos=[{','.join(dict.fromkeys(torso for _, torso in lacking))}]")
    fix = f"tune first: {shlex.join(['memorax-bench', 'tune', *kept])}; or run untuned: track=fixed"
    raise UsageProblems([Problem(message, suite.file, key="entries.track", value="lr4", fix=fix)])


def _refuse_track(target: ResolvedSuite) -> None:
    track = target.suite.entries.track
    if track != "lr4":
        fix = "only the track lr4 is tuned so: add track=lr4, or track: lr4 to the entries of the suite"
        raise UsageProblems([Problem("nothing to tune", target.file, key="entries.track", value=track, fix=fix)])


def _refuse_impossible(
    target: ResolvedSuite, entries: Sequence[Cell], cells: Sequence[Cell], catalogue: Catalogue
) -> None:
    """Where an algorithm cannot act in a task, or its updates and schedules do not fit into the trials."""
    findings = Findings(target.origins)
    label_of = {trial_label(entry.algorithm_label, rate): entry.algorithm_label for entry in entries for rate in RATES}
    for cell in cells:
        why = why_not(cell.task, cell.config["algorithm"]["type"], catalogue)
        if why is not None:
            where = (*ALGORITHMS, label_of[cell.algorithm_label])
            findings.add(where, f"cannot be tuned: {why}", fix="use track: open")
    if not findings.problems:
        configs = [(label_of[cell.algorithm_label], cell.config) for cell in cells]
        check_updates(configs, catalogue, findings)
        check_schedules(configs, findings)
    if findings.problems:
        raise UsageProblems(findings.problems)


def _known(target: ResolvedSuite, entries: Sequence[Cell], catalogue: Catalogue) -> Catalogue:
    """The catalogue with the user's own algorithms among the entries, which could be read before."""
    own = {entry.algorithm_label: {"type": entry.config["algorithm"]["type"]} for entry in entries}
    return with_user_algorithms(catalogue, own, Findings(target.origins))


def _usual(target: ResolvedSuite, entry: Cell, catalogue: Catalogue) -> float:
    """The learning rate that the suite writes for the algorithm, else the algorithm's own."""
    written = target.suite.entries.algorithms[entry.algorithm_label].get(RATE)
    default = catalogue.algorithm_fields(entry.config["algorithm"]["type"])[RATE].default
    return default if written is None else to_float(written)


def _refuse_budget(target: ResolvedSuite, tuned_on: ResolvedSuite, tasks: Sequence[Cell]) -> None:
    budget, steps = target.suite.protocol.total_env_steps, max(_steps(task) for task in tasks)
    if steps > SHARE * budget:
        message = f"{tuned_on.label} trains for {steps:,} environment steps, more than {SHARE:.0%} of these"
        key, fix = "protocol.total_env_steps", "too short a suite to be tuned: use track: fixed"
        raise UsageProblems([Problem(message, target.file, key=key, value=budget, fix=fix)])


def _steps(task: Cell) -> int:
    return task.config["protocol"]["total_env_steps"]


def _trial(task: Cell, entry: Cell, rate: str, inputs: Sequence[str]) -> Cell:
    """An entry at a learning rate, in a task that it is tuned on, where it is fed what both its own suite and `inputs`
    have."""
    algorithm, torso = entry.config["algorithm"], entry.config["torso"]
    fed = [name for name in inputs if name in torso["inputs"]]
    config = {
        "task": task.config["task"],
        "algorithm": {**algorithm, "settings": {**algorithm["settings"], RATE: RATES[rate]}},
        "torso": {**torso, "inputs": fed},
        "network": entry.config["network"],
        "protocol": {**task.config["protocol"], "inputs": fed},
    }
    labels = (task.task_label, trial_label(entry.algorithm_label, rate), entry.torso_label)
    return Cell(*labels, entry.role, task.task, config)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
