"""How fast does it learn: the ranked mean against environment steps and against time, and when runs get half-way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Key
from memorax_bench.report.frame import Frame, listed
from memorax_bench.report.learning import Learning, on_grid
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.render import MISSING, magnitude
from memorax_bench.report.sections.section import Section, entry_columns
from memorax_bench.report.standings import Standing, families_of
from memorax_bench.report.tables import Row, Table

HALF_WAY = 0.5  # normalised score
TIMES = 40  # points of the axis of time
WORDS = (
    "The family-weighted mean over the ranked tasks of what each run scored, straight between its evaluations, without "
    "smoothing; a task whose budget is used up keeps its last score. Time is that of training on {device}, without "
    "compiling and evaluating, divided among the seeds trained together; where other programs ran as well, it is "
    "longer than it has to be. Half-way: a score of {threshold:g}, midway between floor and ceiling, is counted as "
    "reached at the first evaluation that shows it; runs that never do are counted as well (Kaplan and Meier)."
)


@dataclass(frozen=True)
class Progress:
    """One row: the mean at environment steps and at seconds of training, and the share of runs half-way by steps."""

    row: Row
    steps: np.ndarray
    by_steps: stats.Band
    seconds: np.ndarray
    by_seconds: stats.Band
    half_way: stats.Survival
    half_way_seconds: stats.Survival


def efficiency_section(
    table: Table, frame: Frame, found: Sequence[Standing], learning: Mapping[Key, Learning]
) -> Section | None:
    """The section, None where no row has curves of every ranked task."""
    progress = progress_of(table, frame, found, learning)
    if not progress:
        return None
    devices = listed(device for one in progress for device in one.row.devices)
    return Section(
        name="efficiency",
        title="Efficiency",
        caption="how fast the mean rises, and when half of the runs are half-way",
        words=WORDS.format(device=devices, threshold=HALF_WAY),
        header=(*entry_columns(table), "runs", "half-way", "median steps", "median s"),
        body=tuple(_line(table, one) for one in progress),
        rows=[row for one in progress for row in _csv(one)],
        save=partial(_save, frame, progress, devices),
    )


def progress_of(
    table: Table, frame: Frame, found: Sequence[Standing], learning: Mapping[Key, Learning]
) -> tuple[Progress, ...]:
    """Of the rows whose curves can all be read, in the order of the table; bands for those that stand out."""
    families = families_of(table)
    curves = {}
    for standing in found:
        keys = {task: (task, standing.row.algorithm, standing.row.torso) for task in families}
        if all(key in learning for key in keys.values()):
            curves[standing.row.algorithm, standing.row.torso] = {task: learning[key] for task, key in keys.items()}
    if not curves:
        return ()
    cells = [cell for mine in curves.values() for cell in mine.values()]
    steps = np.unique(np.concatenate([cell.env_steps for cell in cells]))
    seconds = _times(cells)
    rows = {(standing.row.algorithm, standing.row.torso): standing.row for standing in found}
    return tuple(_progress(table, frame, rows[name], mine, steps, seconds) for name, mine in curves.items())


def _times(cells: Sequence[Learning]) -> np.ndarray:
    """From the first evaluation of the quickest to the last of the slowest, evenly by their logarithm."""
    first = min(cell.seconds[:, min(1, len(cell.env_steps) - 1)].min() for cell in cells)
    last = max(cell.seconds[:, -1].max() for cell in cells)
    return np.geomspace(max(first, 1e-3), max(last, 1e-3), TIMES)


def _progress(
    table: Table, frame: Frame, row: Row, mine: Mapping[str, Learning], steps: np.ndarray, seconds: np.ndarray
) -> Progress:
    families, settings = families_of(table), interval_settings(table.suite)
    curve = partial(stats.family_mean_curve, families=families, banded=row.torso in frame.prominent, **settings)
    steps = steps[steps <= max(cell.env_steps[-1] for cell in mine.values())]
    ends = max(cell.seconds[:, -1].max() for cell in mine.values())
    seconds = seconds[: np.searchsorted(seconds, ends * (1 - 1e-9)) + 1]
    runs = [(scores, cell.env_steps / np.ones((len(scores), 1)), cell.seconds) for cell in mine.values()
            for scores in [cell.scores]]  # fmt: skip
    return Progress(
        row=row,
        steps=steps,
        by_steps=curve({task: on_grid(cell.scores, cell.env_steps, steps) for task, cell in mine.items()}),
        seconds=seconds,
        by_seconds=curve({task: on_grid(cell.scores, cell.seconds, seconds) for task, cell in mine.items()}),
        half_way=_half_way([(scores, at) for scores, at, _ in runs]),
        half_way_seconds=_half_way([(scores, at) for scores, _, at in runs]),
    )


def _half_way(runs: Sequence[tuple[np.ndarray, np.ndarray]]) -> stats.Survival:
    """Of the runs of all tasks, whose numbers of points may differ."""
    longest = max(scores.shape[1] for scores, _ in runs)
    filled = [
        np.stack([np.pad(one, ((0, 0), (0, longest - one.shape[1])), constant_values=np.nan) for one in pair])
        for pair in runs
    ]
    scores, at = np.concatenate(filled, axis=1)
    return stats.time_to_threshold(scores, at, HALF_WAY)


def _line(table: Table, one: Progress) -> tuple[str, ...]:
    steps, seconds = one.half_way, one.half_way_seconds
    return (
        *entry_columns(table, one.row),
        str(steps.n),
        str(steps.n - steps.censored),
        MISSING if steps.median is None else magnitude(steps.median),
        MISSING
        if seconds.median is None
        else f"{seconds.median:,.0f}"
        if seconds.median >= 10
        else f"{seconds.median:.1f}",
    )


def _csv(one: Progress) -> list[dict[str, object]]:
    rows = []
    for axis, at, band in (("steps", one.steps, one.by_steps), ("seconds", one.seconds, one.by_seconds)):
        rows += [
            {**_names(one), "of": f"mean by {axis}", "at": x, "value": value, "low": low, "high": high}
            for x, value, low, high in zip(at, *band, strict=True)
        ]
    for axis, survival in (("steps", one.half_way), ("seconds", one.half_way_seconds)):
        rows += [
            {**_names(one), "of": f"share half-way by {axis}", "at": x, "value": 1 - share, "low": None, "high": None}
            for x, share in zip(survival.times, survival.surviving, strict=True)
        ]
    return rows


def _names(one: Progress) -> dict[str, object]:
    return {"algorithm": one.row.algorithm, "torso": one.row.torso, "device": " + ".join(one.row.devices)}


def _save(frame: Frame, progress: tuple[Progress, ...], devices: str, stem: Path):
    from memorax_bench.report.figures import efficiency  # matplotlib

    return efficiency.save_efficiency(frame, progress, devices, stem)
