"""Where every page lies, below the site's root. Labels are folder names already, so that no path leads elsewhere."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from memorax_bench.board.rankings import Name, Ranking

INDEX = "index.html"
STYLE = "assets/board.css"
SCRIPT = "assets/board.js"


def home(ranking: Ranking) -> str:
    """The folder of a ranking."""
    return f"{ranking.table.label}/{ranking.track}"


def anchor(ranking: Ranking) -> str:
    """The id of a ranking's section on the first page."""
    return re.sub(r"[^a-z0-9]+", "-", home(ranking))


def task(ranking: Ranking, label: str) -> str:
    """A task's page."""
    return f"{home(ranking)}/tasks/{label}.html"


def entry(ranking: Ranking, name: Name) -> str:
    """An entry's page."""
    return f"{home(ranking)}/entries/{name[0]}/{name[1]}.html"


def comparisons(ranking: Ranking) -> str:
    """The page of all comparisons."""
    return f"{home(ranking)}/compare/index.html"


def pair(ranking: Ranking, first: Name, second: Name) -> str:
    """The page of one comparison, the same for both directions."""
    one, other = sorted((first, second))
    return f"{home(ranking)}/compare/{'/'.join((*one, *other))}.html"


def numbers(ranking: Ranking, name: str) -> str:
    """A file of numbers: table, scores, costs or pairs."""
    return f"{home(ranking)}/{name}.csv"


def episode(task_id: str, kwargs: Mapping[str, Any], version: int) -> str:
    """The picture of an episode, named by what it shows: the same task has the same picture in every suite."""
    told = json.dumps([task_id, version, dict(kwargs)], sort_keys=True)
    return f"episodes/{re.sub('[^A-Za-z0-9]+', '-', task_id)}-{hashlib.sha256(told.encode()).hexdigest()[:8]}.png"


def relative(page: str, target: str) -> str:
    """A link from one page to another, with a fragment or without, escaped as a URL."""
    path, mark, fragment = target.partition("#")
    return "../" * page.count("/") + quote(path, safe="/@+") + mark + fragment
