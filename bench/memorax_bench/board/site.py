"""All files of the site, from rankings: pages, pictures, numbers. The same rankings give the same bytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memorax_bench.board import links, render
from memorax_bench.board.pairs import Pairs, comparable_entries, compare_all
from memorax_bench.board.rankings import Ranking
from memorax_bench.board.views import entry, pair, ranking, task
from memorax_bench.report.costs import cost_csv
from memorax_bench.report.csv_text import csv_text
from memorax_bench.report.render import numbers, to_rows
from memorax_bench.report.sections.scores import score_rows

Pictures = Mapping[str, bytes | str]  # path of a picture -> the picture, or why there is none


def site(rankings: Sequence[Ranking], pictures: Pictures, say: Callable[[str], None] = print) -> dict[str, bytes]:
    """path below the site's root -> content, of every file.

    `pictures` are the episodes by their path (`links.episode`); `say` is told what is being done.
    """
    files = {path: found for path, found in pictures.items() if isinstance(found, bytes)}
    lacking = {path: why for path, why in pictures.items() if isinstance(why, str)}
    files |= render.assets()
    for one in rankings:
        say(f"{links.home(one)}: comparing {len(comparable_entries(one))} entries with one another")
        files |= dict(_pages(one, compare_all(one), lacking))
    several = len({one.track for one in rankings}) > 1
    sections = [ranking.section(one) for one in rankings]
    files[links.INDEX] = render.page("index.html", links.INDEX, sections=sections, several_tracks=several)
    return files


def _pages(one: Ranking, pairs: Pairs, lacking: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for column in one.table.columns:
        for label in column.tasks:
            said = task.context(one, label, lacking)
            yield _page("task.html", links.task(one, label), one, said)
    for each in one.entries:
        said = entry.context(one, each, pairs)
        yield _page("entry.html", links.entry(one, each.name), one, said)
    compare = ("Comparisons", links.comparisons(one))
    for (first, second), found in pairs.items():
        if first < second:
            said = pair.context(one, found if found.difference.value >= 0 else found.turned())
            yield _page("pair.html", links.pair(one, first, second), one, said, [compare])
    yield _page("comparisons.html", links.comparisons(one), one, pair.comparisons(one, pairs))
    for name, rows in (
        ("table", to_rows(one.table)),
        ("scores", score_rows(one.table)),
        ("costs", cost_csv(one.table)),
        ("pairs", _pair_rows(pairs)),
    ):
        yield links.numbers(one, name), csv_text(rows).encode()


def _page(
    template: str, path: str, one: Ranking, said: dict[str, Any], trail: Sequence[tuple[str, str]] = ()
) -> tuple[str, bytes]:
    where = {"title": one.table.label, "anchor": links.anchor(one), "trail": trail}
    said = {"headline_numbers": said.pop("headline", ()), **said}
    return path, render.page(template, path, ranking=where, **said)


def _pair_rows(pairs: Pairs) -> list[dict[str, object]]:
    """Every comparison once, in full precision."""
    rows = []
    for (first, second), found in pairs.items():
        if first < second:
            row: dict[str, object] = {"first": "/".join(first), "second": "/".join(second)}
            row |= numbers("difference", found.difference)
            row |= {"p": found.difference.p, "n": found.difference.n}
            rows.append(row | numbers("first_higher", found.wins))
    return rows
