"""The documentation site: it builds without a warning, and its reference names everything public."""

import html
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PUBLIC = {  # page of the reference -> the packages whose public names it has
    "algorithms": ["memorax.algorithms"],
    "networks": ["memorax.networks.blocks"],
    "sequence_models": ["memorax.networks.sequence_models"],
    "heads": ["memorax.networks.heads"],
    "environments": ["memorax.environments", "memorax.environments.wrappers"],
    "buffers": ["memorax.buffers"],
    "loggers": ["memorax.loggers"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_every_page_is_built(site):
    pages = {file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


@pytest.mark.parametrize("page", PUBLIC)
def test_the_reference_has_every_public_name(site, page):
    text = text_of(site / "api" / f"{page}.html")
    public = {name for package in PUBLIC[page] for name in importlib.import_module(package).__all__}
    assert {name for name in public if not re.search(rf"\b{name}\b", text)} == set()


def test_names_that_networks_repeat_are_on_a_page_of_their_own(site):
    from memorax import networks

    text = text_of(site / "api/networks.html") + text_of(site / "api/sequence_models.html")
    assert [name for name in networks.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_fields_are_documented_by_the_comments_behind_them(site):
    text = text_of(site / "api/algorithms.html")
    assert "approximate KL at which the rest of an update's gradient steps is left out" in text


def test_docstrings_are_shown_as_they_were_meant(site):
    """No markup of reStructuredText is left, and shapes and equations are whole."""
    for page in (site / "api").glob("*.html"):
        text = text_of(page)
        assert "``" not in text and ":class:" not in text, page.name
    assert "x[B, T, F], start[B, T] bool -> (carry, y[B, T, D])" in text_of(site / "api/networks.html")
    assert "https://arxiv.org/abs/1812.05905" in (site / "api/heads.html").read_text(encoding="utf-8")
