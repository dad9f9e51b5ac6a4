"""How often does a row reach which score? Performance profiles over the runs of all ranked tasks."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.sections.section import Section
from memorax_bench.report.standings import Standing, families_of
from memorax_bench.report.tables import Table

WORDS = (
    "The share of runs that score above a threshold, families of tasks weighing the same: a curve that lies above "
    "another everywhere is better at any threshold, two that cross rank differently by different ones. Bands are "
    "pointwise."
)
POINTS = 101
_LEAST = -0.5  # what is worse is as bad

Profiles = Mapping[tuple[str, str], stats.Profile]  # (algorithm, torso) ->


def profiles_section(table: Table, frame: Frame, found: Sequence[Standing]) -> Section | None:
    """The section, None where no row has a score in every ranked task."""
    if not found:
        return None
    profiles = profiles_of(table, frame, found)
    return Section(
        name="profiles",
        title="Performance profiles",
        caption="the share of runs above each score",
        words=WORDS,
        rows=[row for (algorithm, torso), profile in profiles.items() for row in _csv(algorithm, torso, profile)],
        save=partial(_save, frame, profiles),
    )


def profiles_of(table: Table, frame: Frame, found: Sequence[Standing]) -> Profiles:
    """Of each row, at the same scores; with a band for those that stand out."""
    families, settings = families_of(table), interval_settings(table.suite)
    scores = np.concatenate([values for standing in found for values in standing.samples.values()])
    low = max(_LEAST, min(0.0, float(np.floor(10 * scores.min()) / 10)))
    taus = np.linspace(low, max(1.0, float(np.ceil(10 * scores.max()) / 10)), POINTS).round(6)
    return {
        (standing.row.algorithm, standing.row.torso): stats.performance_profile(
            standing.samples, families, taus, banded=standing.row.torso in frame.prominent, **settings
        )
        for standing in found
    }


def _csv(algorithm: str, torso: str, profile: stats.Profile) -> list[dict[str, object]]:
    points = zip(profile.taus, profile.value, profile.low, profile.high, strict=True)
    return [
        {"algorithm": algorithm, "torso": torso, "score": tau, "share_above": value, "low": low, "high": high}
        for tau, value, low, high in points
    ]


def _save(frame: Frame, profiles: Profiles, stem: Path):
    from memorax_bench.report.figures import profiles as figure  # matplotlib

    return figure.save_profiles(frame, profiles, stem)
