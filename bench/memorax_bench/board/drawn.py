"""What the pages draw of each cell of a table: its learning curve with an interval, and its final scores."""

from dataclasses import dataclass

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Key
from memorax_bench.report.learning import Learning, read_learning
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.tables import Table


@dataclass(frozen=True)
class Line:
    """Mean returns at `env_steps[points]`: of every seed `returns[seeds, points]`, their mean and its interval."""

    task: str
    algorithm: str
    torso: str
    env_steps: np.ndarray
    returns: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Dots:
    """The final score of every seed, normalised where the task has a ceiling, else raw, and their mean's estimate."""

    task: str
    algorithm: str
    torso: str
    scores: np.ndarray
    estimate: stats.Estimate


@dataclass(frozen=True)
class Drawn:
    """In the order of the table's rows; `problems` names the cells whose curves cannot be read, and why."""

    lines: tuple[Line, ...]
    dots: tuple[Dots, ...]
    problems: tuple[str, ...]


def drawn(table: Table) -> Drawn:
    """Reads the curves of the table's records."""
    learning, problems = read_learning(table)
    settings = interval_settings(table.suite)
    keys = [
        (task, row.algorithm, row.torso) for row in table.rows for task in table.pools_by_row[row.algorithm, row.torso]
    ]
    return Drawn(
        lines=tuple(_line(key, learning[key], settings) for key in keys if key in learning),
        dots=tuple(Dots(*key, table.scores[key], table.estimates[key]) for key in keys if key in table.scores),
        problems=problems,
    )


def _line(key: Key, curve: Learning, settings: dict) -> Line:
    low, high = stats.mean_band(curve.returns, **settings)
    return Line(*key, curve.env_steps, curve.returns, curve.returns.mean(axis=0), low, high)
