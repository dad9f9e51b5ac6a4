"""The parts of a report, in their order: what every suite is asked, and what it may ask beyond who is best."""

from collections.abc import Mapping, Sequence

from memorax_bench.records.pooling import Key
from memorax_bench.report.frame import Frame
from memorax_bench.report.learning import Learning
from memorax_bench.report.sections.curves import curves_section
from memorax_bench.report.sections.efficiency import efficiency_section
from memorax_bench.report.sections.extrapolation import extrapolation_section
from memorax_bench.report.sections.heatmap import heatmap_section
from memorax_bench.report.sections.horizon import horizon_section
from memorax_bench.report.sections.improvement import improvement_section
from memorax_bench.report.sections.necessity import necessity_section
from memorax_bench.report.sections.pareto import pareto_section
from memorax_bench.report.sections.profiles import profiles_section
from memorax_bench.report.sections.ranking import ranking_section
from memorax_bench.report.sections.scores import scores_section
from memorax_bench.report.sections.section import Section
from memorax_bench.report.sections.sensitivity import sensitivity_section
from memorax_bench.report.standings import Standing
from memorax_bench.report.tables import Table


def sections_of(
    table: Table, frame: Frame, found: Sequence[Standing], learning: Mapping[Key, Learning]
) -> tuple[Section, ...]:
    """All that the table can answer, in the order of the report; `found` are its standings."""
    asked = (
        ranking_section(table, frame, found),
        improvement_section(table, frame, found),
        profiles_section(table, frame, found),
        horizon_section(table, frame),
        extrapolation_section(table, frame),
        necessity_section(table, frame),
        sensitivity_section(table, frame),
        efficiency_section(table, frame, found, learning),
        pareto_section(table, frame, found),
        heatmap_section(table, frame),
        curves_section(table, frame, learning),
        scores_section(table, frame),
    )
    return tuple(section for section in asked if section is not None)
