"""The page lists every statistic."""

import re
from pathlib import Path

from memorax_bench import stats

PAGE = Path(__file__).parents[3] / "docs" / "benchmarking.md"


def test_every_statistic_is_documented():
    section = re.search(r"^## Statistics\n(.*?)^## ", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    functions = {name for name in stats.__all__ if name[0].islower()}
    named = set(re.findall(r"`(\w+)`", section))
    assert functions <= named
