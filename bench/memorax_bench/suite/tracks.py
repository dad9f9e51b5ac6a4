"""The tracks: how the settings of an entry were found.

- `fixed`: they were not searched for.
- `lr4`: only the learning rate, the same way for every entry: the best of RATES by the mean score on the tasks of the
  suite `tuning`, with seeds that no evaluation uses, at a fifth of the budget or less. Where the one that the algorithm
  has anyway is as good, it stays.
- `open`: in any way, which the suite declares: `tuning: {trials, seeds, env_steps}`.

A score is a normalised area under the learning curve. What was chosen stands in a file that the suite includes, written
by `memorax-bench tune`; it holds for the settings that it was chosen with, and for no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memorax_bench.identity import UNTUNED, sha256_json
from memorax_bench.suite.entries import ALGORITHMS, Entry
from memorax_bench.suite.schema import Override, Track, Tuned, Tuning, section
from memorax_bench.suite.yaml_source import Findings

RATES: Mapping[str, float] = {"1e-4": 1e-4, "3e-4": 3e-4, "1e-3": 1e-3, "3e-3": 3e-3}  # as written, in this order
SEEDS = (1_000_000, 1_000_001)
SHARE = 0.2  # of the budget of the suite, at most, for each trial
RATE = "learning_rate"
TIE = 0.02  # scores less than this apart are equal: one standard error of an agent that has learnt nothing
SUITE = "tuning"  # whose tasks and protocol the trials have


@dataclass(frozen=True)
class TrackChoice:
    """The track of a suite's entries, what finding their settings took, and entry (`ppo/gru`) -> what was chosen."""

    name: str = UNTUNED
    tuning: Tuning | None = None
    tuned: Mapping[str, Tuned] = field(default_factory=dict)

    def apply(self, entry: str, config: dict[str, Any]) -> Tuning | None:
        """Puts the learning rate that was chosen into a cell's `config`; returns what its settings took.

        None on lr4 where nothing was chosen, or with other settings: such a cell cannot be run.
        """
        if self.name != "lr4":
            return self.tuning if self.name == "open" else None
        chosen, tuning = self.tuned.get(entry), self.tuning
        if chosen is None or tuning is None or chosen.settings != settings_hash(config, tuning.benchmark_hash):
            return None
        settings = {**config["algorithm"]["settings"], RATE: chosen.learning_rate}
        config["algorithm"] = {**config["algorithm"], "settings": settings}
        return tuning.model_copy(update={"scores": chosen.scores})


def read_track(entries: Mapping[str, Any]) -> TrackChoice:
    """What the entries of a suite say of their track, as far as it is sound."""
    written = entries.get("tuned")
    tuned = {name: section(Tuned, value) for name, value in (written.items() if isinstance(written, dict) else ())}
    return TrackChoice(
        name=section(Track, entries.get("track", UNTUNED)) or UNTUNED,
        tuning=section(Tuning, entries.get("tuning")),
        tuned={name: chosen for name, chosen in tuned.items() if chosen is not None},
    )


def entry_name(algorithm: str, torso: str) -> str:
    """`ppo/gru`."""
    return f"{algorithm}/{torso}"


def settings_hash(config: Mapping[str, Any], tuned_on: str | None) -> str:
    """What a learning rate is chosen for: algorithm, torso and network of a resolved cell, all but the learning rate;
    and by what: the benchmark_hash of the tasks that it was tuned on."""
    algorithm = config["algorithm"]
    others = {name: value for name, value in algorithm["settings"].items() if name != RATE}
    parts = {"algorithm": {**algorithm, "settings": others}, "torso": config["torso"], "network": config["network"]}
    return sha256_json({**parts, "tuned_on": tuned_on})[:16]


def best_rates(scores: Mapping[float, float]) -> tuple[float, ...]:
    """The learning rates whose score is the highest or less than TIE below it, ascending."""
    low = max(scores.values()) - TIE
    return tuple(sorted(rate for rate, score in scores.items() if score > low))


def choose_rate(scores: Mapping[float, float], usual: float) -> float:
    """The best learning rate; of equal ones `usual`, which the algorithm has without tuning, else the smallest.

    Noise must not choose for an entry that learns nothing in the trials, such as a control.
    """
    best = best_rates(scores)
    return usual if usual in best else best[0]


def check_track(
    choice: TrackChoice,
    seeds: tuple[int, ...],
    algorithms: Mapping[str, Entry],
    overrides: Mapping[int, Override],
    findings: Findings,
) -> None:
    """What the track of the entries does not allow, or lacks, goes to `findings`."""
    tuning, where = choice.tuning, ("entries", "tuning")
    if choice.name == UNTUNED:
        return
    if tuning is None and (choice.name == "open" or choice.tuned):
        fix = "add for example tuning: {trials: 40, seeds: [1_000_000, 1_000_001], env_steps: 16_000_000}"
        findings.add(where, f"the track {choice.name} says what finding its settings took", fix=fix)
    elif tuning is not None and set(tuning.seeds) & set(seeds):
        both = min(set(tuning.seeds) & set(seeds))
        fix = f"list the seeds that were tuned on: [{SEEDS[0]}, {SEEDS[1]}]"
        findings.add((*where, "seeds"), "an entry is not evaluated on a seed that it was tuned on", both, fix=fix)
    if choice.name == "lr4":
        _check_lr4(choice, algorithms, overrides, findings)


def _check_lr4(
    choice: TrackChoice, algorithms: Mapping[str, Entry], overrides: Mapping[int, Override], findings: Findings
) -> None:
    """Nothing but the learning rate may differ from torso to torso, and nothing from task to task."""
    for label, algorithm in algorithms.items():
        if RATE not in algorithm.fields:
            findings.add((*ALGORITHMS, label), f"has no {RATE}, which the track lr4 chooses", fix="use track: open")
    for name, chosen in choice.tuned.items():
        best, where = best_rates(chosen.scores), ("entries", "tuned", name, RATE)
        if chosen.learning_rate not in best:
            message = "its score is not the best"
            findings.add(where, message, chosen.learning_rate, allowed=[f"{rate:g}" for rate in best])
    for index, override in overrides.items():
        for key, value in override.set.items():
            where, fitted_to = ("entries", "overrides", index, "set", key), override.when.keys()
            if key == f"algorithm.{RATE}":
                findings.add(where, "on the track lr4 `memorax-bench tune` chooses it", value, fix="leave it out")
            elif "task" in fitted_to or ("torso" in fitted_to and not key.startswith("torso.")):
                message = "on the track lr4 only the learning rate is fitted to a torso, and nothing to a task"
                findings.add(where, message, value, fix="set it for all, or use track: open")
