"""The documentation runs."""

import importlib
import re
from pathlib import Path

import pytest

from memorax_bench.build import build_torso
from memorax_bench.gates import measure_torso
from memorax_bench.suite import load_suite

ROOT = Path(__file__).parents[1]


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/concepts.md"])
def test_the_code_of_a_page_is_one_program(page):
    blocks = python_blocks(page)
    assert blocks
    namespace: dict = {}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)


def test_the_torso_of_the_contributing_guide_can_be_benchmarked(tmp_path, monkeypatch):
    """It is read by a suite as it stands, its fields are settings, and it obeys the laws."""
    [torso] = python_blocks("CONTRIBUTING.md")
    (tmp_path / "my_torso.py").write_text(torso, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    suite = load_suite("smoke", ["+torsos.mine=my_torso:Cell", "torsos=[mine]", "torsos.mine.features=12"])
    config = suite.cells[0].config["torso"]
    assert config["settings"] == {"features": 12}
    assert all(gate["pass"] for gate in measure_torso(build_torso(config), features=5).values())
    assert len([line for line in torso.splitlines() if line.strip() and not line.startswith(("#", "import"))]) <= 15


def test_every_relative_link_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
