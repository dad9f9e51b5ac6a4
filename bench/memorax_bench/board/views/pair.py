"""Two entries against one another, and the page from which every such comparison is reached."""

import math
from typing import Any

from memorax_bench.board import links, words
from memorax_bench.board.grids import Cell, Column, Grid, Line, grid
from memorax_bench.board.pairs import MANY, Pair, Pairs, comparable_entries
from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.board.views.cells import difference_cell, entry_cell, estimate_cell, is_shown


def context(ranking: Ranking, pair: Pair) -> dict[str, Any]:
    """What the page of a comparison says."""
    page = links.pair(ranking, pair.first.name, pair.second.name)
    first, second = (entry_cell(page, ranking, entry) for entry in (pair.first, pair.second))
    return {
        "first": first,
        "second": second,
        "shown": is_shown(pair.difference),
        "verdict": _verdict(pair, first.text, second.text),
        "headline": [
            ("Difference", words.signed(pair.difference.value), words.brackets(pair.difference, words.signed)),
            (f"P({first.text} higher)", words.value(pair.wins.value), words.brackets(pair.wins)),
            (f"Mean of {first.text}", *_estimate(pair.first)),
            (f"Mean of {second.text}", *_estimate(pair.second)),
        ],
        "tasks": _tasks(ranking, pair, page, first.text, second.text),
        "costs": _costs(pair, first, second),
        "marks": [
            f"{cell.text} is not ranked: {'; '.join(entry.why)}"
            for cell, entry in ((first, pair.first), (second, pair.second))
            if entry.why
        ],
        "level": f"{ranking.interval['level'] * 100:g}%",
    }


def comparisons(ranking: Ranking, pairs: Pairs) -> dict[str, Any]:
    """What the page of all comparisons says: one matrix, or where there are many entries one for each algorithm."""
    page, entries = links.comparisons(ranking), comparable_entries(ranking)
    algorithms = sorted({entry.name[0] for entry in entries}) if len(entries) > MANY else [None]
    groups = [[entry for entry in entries if name in (None, entry.name[0])] for name in algorithms]
    matrices = [_matrix(ranking, group, pairs, page, name) for group, name in zip(groups, algorithms, strict=True)]
    return {
        "matrices": matrices if pairs else [],
        "entries": [("/".join(entry.name), entry_cell(page, ranking, entry).text) for entry in entries],
        "others": ["/".join(entry.name) for entry in ranking.entries if entry not in entries],
        "file": links.relative(page, links.numbers(ranking, "pairs")),
    }


def _estimate(entry: Entry) -> tuple[str, str]:
    primary = entry.row.primary
    return ("", "") if primary is None else (words.value(primary.value), words.brackets(primary))


def _verdict(pair: Pair, first: str, second: str) -> str:
    found = pair.difference
    if not math.isfinite(found.low):
        return "A task has one seed, so that nothing can be said about the spread."
    if not is_shown(found):
        return f"No difference is shown between {first} and {second}: the interval holds 0."
    higher, lower = (first, second) if found.value > 0 else (second, first)
    return f"{higher} scores higher than {lower}: the interval leaves out 0."


def _tasks(ranking: Ranking, pair: Pair, page: str, first: str, second: str) -> Grid:
    suite = ranking.table.suite
    found = {(dots.task, dots.algorithm, dots.torso): dots.estimate for dots in ranking.data.dots}
    bounded = [one.difference for task, one in pair.tasks.items() if suite.tasks[task].ceiling is not None]
    reach = _reach(bounded)
    lines = []
    for label, one in pair.tasks.items():
        star = "" if label in ranking.ranked_tasks else "*"
        normalised = suite.tasks[label].ceiling is not None
        cells = (
            Cell(label + star, label, href=links.relative(page, links.task(ranking, label)), header=True),
            estimate_cell(found.get((label, *pair.first.name))),
            estimate_cell(found.get((label, *pair.second.name))),
            difference_cell(one.difference, _around(reach if normalised else _reach([one.difference]))),
            Cell(words.value(one.wins), one.wins),
        )
        lines.append(Line(cells))
    columns = (
        Column("Task", number=False),
        Column(first),
        Column(second),
        Column("Difference", f"{first} less {second}, with its interval."),
        Column("P(higher)", f"Share of pairs of seeds in which {first} scores higher; ties count half."),
    )
    return grid("tasks", f"{first} and {second} task by task", columns, lines)


def _around(reach: float) -> tuple[float, float]:
    return -reach, reach


def _reach(differences: list) -> float:
    ends = [end for found in differences for end in (found.value, found.low, found.high) if math.isfinite(end)]
    return max([abs(end) for end in ends] + [1e-6])


def _costs(pair: Pair, first: Cell, second: Cell) -> Grid:
    one, other = pair.first.cost, pair.second.cost
    rows = [
        ("Parameters of the torso", *(words.between(cost.torso_parameters, words.exact) for cost in (one, other))),
        ("State, bytes", *(words.between(cost.state_bytes, words.exact) for cost in (one, other))),
        ("FLOPs for each environment step", *(words.between(cost.flops_per_env_step) for cost in (one, other))),
        ("Steps/s", *(f"{words.count(cost.steps_per_s)} ({' + '.join(cost.devices)})" for cost in (one, other))),
        ("Seeds", *(words.span(*entry.row.n) for entry in (pair.first, pair.second))),
        ("Families solved", *(str(entry.row.solved) for entry in (pair.first, pair.second))),
    ]
    lines = [Line((Cell(name, header=True), Cell(left), Cell(right))) for name, left, right in rows]
    columns = (Column("Cost", number=False), Column(first.text), Column(second.text))
    return grid("costs", f"What {first.text} and {second.text} cost", columns, lines, plain=True)


def _matrix(ranking: Ranking, entries: list[Entry], pairs: Pairs, page: str, algorithm: str | None) -> Grid:
    """The probability that a run of the row scores higher than one of the column."""
    titles = [entry_cell(page, ranking, entry) for entry in entries]
    lines = []
    for row, title in zip(entries, titles, strict=True):
        cells = [title]
        for column in entries:
            pair = pairs.get((row.name, column.name))
            if pair is None:
                cells.append(Cell("", look="same"))
                continue
            href = links.relative(page, links.pair(ranking, row.name, column.name))
            cells.append(Cell(words.value(pair.wins.value), href=href, look=f"w{_shade(pair.wins.value)}"))
        lines.append(Line(tuple(cells), key="/".join(row.name)))
    named = [Column(title.text, key="/".join(entry.name)) for title, entry in zip(titles, entries, strict=True)]
    columns = (Column("Row higher than column", number=False), *named)
    name = "matrix" if algorithm is None else f"matrix-{algorithm}"
    caption = "Probability that a run of the row scores higher than one of the column"
    return grid(name, caption if algorithm is None else f"{caption}, {algorithm}", columns, lines, plain=True)


def _shade(wins: float) -> int:
    """0 to 10, 5 where neither is better."""
    return round(10 * wins)
