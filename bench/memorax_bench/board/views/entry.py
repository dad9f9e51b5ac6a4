"""An entry's page: where it stands, every seed of every task, its cost and gates, how to make it again, its records."""

from collections.abc import Mapping
from typing import Any

from memorax_bench.board import charts, commands, links, words
from memorax_bench.board.grids import Cell, Column, Grid, Line, grid
from memorax_bench.board.looks import look_of
from memorax_bench.board.pairs import Pair, Pairs
from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.board.recorded import type_of
from memorax_bench.board.views import origin
from memorax_bench.board.views.cells import (
    difference_cell,
    entry_cell,
    missing,
)
from memorax_bench.records.pooling import Pool
from memorax_bench.report.render import FAILED_MARK
from memorax_bench.report.standings import baseline_of
from memorax_bench.suite.catalogue import load_catalogue

SIZE = (360.0, 220.0)


def context(ranking: Ranking, entry: Entry, pairs: Pairs) -> dict[str, Any]:
    """What the page of an entry says."""
    page = links.entry(ranking, entry.name)
    config = entry.records[0].cell.config
    return {
        "title": entry.name[1],
        "algorithm": entry.name[0],
        "ranked": entry.rank is not None,
        "role": entry.row.role,
        "why": entry.why,
        "about": _about(config, "torso"),
        "headline": _headline(ranking, entry),
        "baseline": _baseline(ranking, entry),
        "tasks": _tasks(ranking, entry, page),
        "charts": _charts(ranking, entry, page),
        "costs": origin.costs(entry),
        "gates": origin.gates(entry),
        "against": _against(ranking, entry, pairs, page),
        "settings": origin.settings(config),
        "tuning": origin.tuning(entry),
        "changes": entry.changes,
        "checkout": commands.checkout(entry.records),
        "command": commands.command(ranking, entry),
        "records": origin.records(entry),
        "versions": origin.versions(entry),
        "scores": links.relative(page, links.numbers(ranking, "scores")),
    }


def _about(config: Mapping[str, Any], part: str) -> dict[str, str]:
    """What the catalogue has on its torso."""
    name = type_of(config, part)
    spec = load_catalogue().torsos.get(name) if isinstance(name, str) else None
    return {"type": str(name), "words": spec.about if spec else "", "paper": spec.paper if spec else ""}


def _headline(ranking: Ranking, entry: Entry) -> list[tuple[str, str, str]]:
    """The numbers on top: what, how much, how surely."""
    row, rank = entry.row, entry.rank
    found = []
    if rank is not None:
        among = sum(other.rank is not None and other.name[0] == entry.name[0] for other in ranking.entries)
        places = words.places(rank)
        found.append(("Rank", str(rank.rank), f"of {among}{f'; {places} likely' if places else ''}"))
        found.append(("P(best)", words.chance(rank.p_best), "to have the highest mean"))
    if row.primary is not None:
        found.append(("Mean", words.value(row.primary.value), words.brackets(row.primary)))
    if entry.standing is not None:
        found.append(("IQM", words.value(entry.standing.iqm.value), words.brackets(entry.standing.iqm)))
    found.append(("Solved", f"{row.solved}/{ranking.table.families}", "families"))
    if row.gain is not None:
        found.append(("Memory gain", words.value(row.gain), "0 control, 1 ceiling"))
    return found


def _baseline(ranking: Ranking, entry: Entry) -> str:
    """Its difference from the ranking's baseline, as the report has it."""
    settings, standing = ranking.table.suite.rankings.torsos, entry.standing
    if settings is None or standing is None or standing.difference is None:
        return ""
    found = standing.difference
    p = "" if standing.p is None else f", p {words.p_value(standing.p)}"
    how = f", corrected for all of {entry.name[0]} by Holm" if p and settings.correction == "holm" else ""
    difference = f"{words.signed(found.value)} {words.brackets(found, words.signed)}"
    return f"Against the baseline {baseline_of(ranking.table)}: {difference}{p}{how}."


def _tasks(ranking: Ranking, entry: Entry, page: str) -> Grid:
    suite, found = ranking.table.suite, {dots.task: dots for dots in _mine(ranking.data.dots, entry)}
    domain = charts.span(
        score for task, dots in found.items() for score in dots.scores if suite.tasks[task].ceiling is not None
    )
    lines = []
    for column in ranking.table.columns:
        for label in column.tasks:
            star = "" if column.why_unranked is None else "*"
            name = Cell(label + star, label, href=links.relative(page, links.task(ranking, label)), header=True)
            if label not in found:
                lines.append(Line((name, *[missing()] * 4)))
                continue
            dots, pool = found[label], entry.pools[label]
            own = domain if suite.tasks[label].ceiling is not None else charts.span(dots.scores, (0.0, 0.0))
            picture = charts.dots(dots.scores, dots.estimate, own)
            cells = (
                name,
                Cell(
                    words.value(dots.estimate.value),
                    dots.estimate.value,
                    words.brackets(dots.estimate),
                    picture,
                    look="score",
                ),
                Cell(_seeds(pool), look="wrap"),
                Cell(f"{words.value(suite.tasks[label].floor)} to {_ceiling(suite.tasks[label].ceiling)}"),
                Cell(pool.device_kind or ""),
            )
            lines.append(Line(cells))
    columns = (
        Column("Task", number=False),
        Column("Score", "Mean of the normalised scores, with its interval; a dot is a seed."),
        Column(
            "Return of every seed", "In the order of the seeds, in the units of the task.", number=False, key="unsorted"
        ),
        Column("Floor to ceiling", "The returns that are 0 and 1.", number=False, key="unsorted"),
        Column("Device", number=False),
    )
    return grid("tasks", f"Scores of {'/'.join(entry.name)} by task", columns, lines)


def _seeds(pool: Pool) -> str:
    returns = ("diverged" + FAILED_MARK if run.score is None else words.value(run.score) for run in pool.runs)
    return ", ".join(f"{run.seed}: {text}" for run, text in zip(pool.runs, returns, strict=True))


def _ceiling(value: float | None) -> str:
    return "none" if value is None else words.value(value)


def _charts(ranking: Ranking, entry: Entry, page: str) -> list[dict[str, Any]]:
    found, look = [], look_of(ranking, entry)
    for line in _mine(ranking.data.lines, entry):
        task = ranking.table.suite.tasks[line.task]
        seeds = [charts.Curve(line.env_steps, returns, f"seed {look}") for returns in line.returns]
        mean = charts.Curve(line.env_steps, line.mean, look, band=(line.low, line.high))
        levels = [] if task.ceiling is None else [charts.Level(task.ceiling, "ceiling")]
        levels.append(charts.Level(task.floor, "floor"))
        title = f"Return of {'/'.join(entry.name)} in {line.task} against environment steps"
        picture = charts.chart([*seeds, mean], levels, SIZE, title)
        found.append(
            {"task": line.task, "href": links.relative(page, links.task(ranking, line.task)), "picture": picture}
        )
    return found


def _mine(drawn: tuple, entry: Entry) -> list:
    return [one for one in drawn if (one.algorithm, one.torso) == entry.name]


def _against(ranking: Ranking, entry: Entry, pairs: Pairs, page: str) -> Grid | None:
    mine = [pairs[entry.name, other.name] for other in ranking.entries if (entry.name, other.name) in pairs]
    if not mine:
        return None
    reach = max(abs(end) for pair in mine for end in _ends(pair))
    lines = []
    for pair in mine:
        name = entry_cell(page, ranking, pair.second)
        href = links.relative(page, links.pair(ranking, entry.name, pair.second.name))
        cells = (
            Cell(name.text, name.order, href=href, tags=name.tags, header=True),
            difference_cell(pair.difference, (-reach, reach)),
            Cell(words.value(pair.wins.value), pair.wins.value, words.brackets(pair.wins)),
        )
        lines.append(Line(cells, look=pair.second.kind))
    columns = (
        Column("Against", number=False),
        Column("Difference", "Of the family-weighted means, with its interval."),
        Column("P(higher)", "Probability that a run scores higher than one of the other in the same task."),
    )
    return grid("against", f"{'/'.join(entry.name)} against every other entry", columns, lines)


def _ends(pair: Pair) -> tuple[float, ...]:
    difference = pair.difference
    known = [end for end in (difference.value, difference.low, difference.high) if end == end]
    return (*known, 1e-6)
