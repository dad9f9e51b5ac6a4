"""The look of a method in charts, its own for good and that of the report's figures, as classes of the style sheet.

`c0` to `c10` are the report's colours in their order, each with a light and a dark variant; `d0` to `d4` its dashes.
"""

from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.report.figures.style import COLOURS, DASHES, OWN_DASH, looks

_DASHES = (*DASHES, OWN_DASH)


def look_of(ranking: Ranking, entry: Entry) -> str:
    """The classes of an entry's curves: by its torso, or `control` and `oracle`, which look alike everywhere."""
    if entry.row.role is not None:
        return entry.row.role
    torsos = {other.name[1] for other in ranking.entries if other.row.role is None}
    look = looks(torsos)[entry.name[1]]
    return f"c{COLOURS.index(look.colour)} d{_DASHES.index(look.dash)}"
