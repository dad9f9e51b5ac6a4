"""The site as files: complete, linked, the same each time, and closed to what others write."""

import csv
import hashlib
import html
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from memorax_bench.board.build import build_board
from memorax_bench.board.write import MANIFEST, write_site
from memorax_bench.errors import UsageProblems
from tests.bench.board.conftest import HOSTILE, TASKS

HOME = "board@1/fixed"
SCRIPTED = re.compile(r"^on", re.IGNORECASE)
VOID = {"meta", "link", "img", "input", "circle", "line", "polyline", "polygon"}


class Page(HTMLParser):
    """The elements of a page in order, its links with their targets, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> list[str]:
        return [a[key] for _, a in self.elements for key in ("href", "src") if a.get(key) is not None]


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    files = sorted(site.rglob("*.html"))
    return {str(file.relative_to(site)): Page(file.read_text(encoding="utf-8")) for file in files}


def test_there_is_a_page_for_every_task_entry_and_pair(pages, ranking):
    names = ["/".join(entry.name) for entry in ranking.entries]
    expected = {"index.html", f"{HOME}/compare/index.html"}
    expected |= {f"{HOME}/tasks/{task}.html" for task in TASKS} | {f"{HOME}/entries/{name}.html" for name in names}
    pairs = {page for page in pages if re.fullmatch(rf"{HOME}/compare/[\w-]+/[\w-]+/[\w-]+/[\w-]+\.html", page)}
    assert set(pages) - pairs == expected
    assert len(pairs) == 9 * 8 // 2  # all but those that are not complete, or not sound


def test_every_element_is_closed(pages):
    assert {name for name, page in pages.items() if page.open} == set()


def test_every_link_resolves(site, pages):
    ids = {name: {a["id"] for _, a in page.elements if "id" in a} for name, page in pages.items()}
    broken = []
    for name, page in pages.items():
        for link in page.links():
            path, fragment = urldefrag(urljoin(f"file:///{name}", link))
            if link == "data:,":
                continue
            assert path.startswith("file:///"), f"{name} leads out: {link}"
            target = unquote(path.removeprefix("file:///"))
            if not (site / target).is_file() or (fragment and fragment not in ids[target]):
                broken.append((name, link))
    assert broken == []


def test_what_others_write_stays_text(pages):
    for name, page in pages.items():
        scripts = page.all("script")
        assert [set(script) for script in scripts] == [{"src"}], name
        assert scripts[0]["src"].endswith("assets/board.js")
        assert not [a for _, a in page.elements if any(SCRIPTED.match(key) for key in a)], name
        assert not [a for a in page.all("img") if a.get("src") == "x"], name
        assert not [a for _, a in page.elements if "style" in a], name
        assert not re.search("[\u200b\u202a-\u202e]", page.text), name
        assert "49" not in re.findall(r"\{\{ (.*?) \}\}", page.text)
    mine = pages[f"{HOME}/entries/ppo/mine.html"].text
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\u200b", "\\u200b")
    assert mine.count(shown) >= 5  # type, gate, version, commit, machine
    assert "x" * 401 not in mine and "(5,000 characters)" in mine


def test_no_page_asks_for_anything_outside(site):
    for file in site.rglob("*.*"):
        if file.suffix in (".html", ".css", ".js"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"(https?:)?//[a-z0-9]", text), file
    assert all("default-src 'none'" in file.read_text() for file in site.rglob("*.html"))


def test_pages_are_marked_up_for_those_who_do_not_see_them(pages):
    for name, page in pages.items():
        assert page.elements[0] == ("html", {"lang": "en"}), name
        ids = [a["id"] for _, a in page.elements if "id" in a]
        assert len(ids) == len(set(ids)), name
        assert [tag for tag, _ in page.elements].count("h1") == 1, name
        assert all("scope" in a for a in page.all("th")), name
        assert len(page.all("caption")) == len(page.all("table")), name
        regions = [a for a in page.all("div") if a.get("class", "").startswith("scroll")]
        assert all(a["role"] == "region" and a["tabindex"] == "0" for a in regions), name
        assert all(a.get("aria-labelledby") in ids or a.get("aria-label") for a in regions), name
        assert all(a.get("alt") for a in page.all("img")), name
        assert all(a.get("aria-hidden") == "true" or a.get("aria-label") for a in page.all("svg")), name
        headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in itertools.pairwise(headings)), name


def rows_of(site: Path, page: str, table: str) -> list[list[str]]:
    """The cells of a table as text, row by row."""
    text = (site / page).read_text(encoding="utf-8")
    body = re.search(rf'<table id="{table}".*?</table>', text, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [re.findall(r"<(?:th|td)\b.*?</(?:th|td)>", row, re.DOTALL) for row in rows]
    return [[html.unescape(" ".join(re.sub(r"<[^>]+>", " ", cell).split())) for cell in row] for row in cells]


def test_the_ranking_says_what_the_records_say(site, ranking):
    header, *rows = rows_of(site, "index.html", "board-1-fixed-ranking")
    assert header[:4] == ["Rank", "Entry", "Mean", "P(best)"]
    gru = next(row for row in rows if row[1:2] == ["ppo/gru"])
    entry = next(entry for entry in ranking.entries if entry.name == ("ppo", "gru"))
    assert gru[0].startswith("1") and gru[2].startswith(".90 [") and gru[4] == ".93"
    assert gru[5:8] == ["1/2", ".90", "5‡"] and gru[8:12] == ["25k", "256", "400k", "84k"]
    assert gru[12:] == ["cpu", "3/3", "2026-11-22", "01234567"] and entry.row.solved == 1
    below = [row[0] for row in rows].index("Shown, not ranked")
    assert [row[1].split()[0] for row in rows[below + 1 :]] == ["ppo/mine", "ppo/lstm", "a2c/mamba2", "a2c/lru"]
    assert "n<5" in rows[below + 2][1] and "step_equals_sequence" in rows[below + 4][1]
    assert "ppo/mlp-prev control" in {row[1] for row in rows if row[1:]}


def test_missing_cells_are_shown_as_missing(site):
    _, *rows = rows_of(site, "index.html", "board-1-fixed-families")
    mamba = next(row for row in rows if row[0] == "a2c/mamba2")
    assert mamba[1] == "— missing" and not mamba[2].startswith("—")
    scores = next(row for row in rows_of(site, f"{HOME}/entries/a2c/mamba2.html", "tasks") if "repeat" in row[0])
    assert scores[1:] == ["— missing"] * 4
    task = Page((site / HOME / "tasks/repeat-previous.html").read_text()).text
    assert "Missing: a2c/mamba2." in task


def test_a_diverged_seed_is_named_and_counts(site):
    row = next(row for row in rows_of(site, f"{HOME}/entries/ppo/s5.html", "tasks") if "repeat" in row[0])
    assert row[2].startswith("0: diverged†, 1: .68")
    assert "†" in next(row for row in rows_of(site, "index.html", "board-1-fixed-families") if row[0] == "ppo/s5")[1]


def test_the_command_makes_the_entry(site, board_results):
    def command(name: str) -> str:
        text = (site / HOME / f"entries/{name}.html").read_text(encoding="utf-8")
        return html.unescape(re.search(r"\n(memorax-bench run.*)</code></pre>", text)[1])

    suite = f"suite={board_results / 'board.yaml'}"
    assert command("ppo/gru") == f"memorax-bench run {suite} 'algorithms=[ppo]' 'torsos=[gru]'"
    assert "'seeds=[0,1,2,3,4,5,6,7,8,9]'" in command("a2c/gru")
    assert "+torsos.mine={" in command("ppo/mine") and '"features": 32' in command("ppo/mine")


def test_numbers_are_there_in_full(site, ranking):
    with (site / HOME / "pairs.csv").open() as file:
        pairs = list(csv.DictReader(file))
    assert len(pairs) == 36
    one = next(row for row in pairs if (row["first"], row["second"]) == ("ppo/gru", "ppo/lru"))
    assert float(one["difference"]) == pytest.approx(0.2 / 1.5) and one["n"] == "5"
    with (site / HOME / "scores.csv").open() as file:
        seeds = [row for row in csv.DictReader(file) if row["torso"] == "gru" and row["algorithm"] == "a2c"]
    assert len(seeds) == 4 * 10 and {len(row["run_id"]) for row in seeds} == {16}


def test_the_same_records_give_the_same_bytes(site, board_results, tmp_path):
    again = tmp_path / "again"
    arguments = [f"suite={board_results / 'board.yaml'}"]
    build_board(arguments, board_results / "results", again, pictures=False, say=lambda line: None)
    assert (again / MANIFEST).read_bytes() == (site / MANIFEST).read_bytes()


def test_the_manifest_is_of_these_files(site):
    lines = [line.split("  ", 1) for line in (site / MANIFEST).read_text().splitlines()]
    files = {str(file.relative_to(site)) for file in site.rglob("*") if file.is_file()} - {MANIFEST}
    assert {path for _, path in lines} == files
    assert all(hashlib.sha256((site / path).read_bytes()).hexdigest() == digest for digest, path in lines)


def test_pages_that_are_no_more_are_removed_and_nothing_else(tmp_path):
    write_site(tmp_path / "site", {"a/b.html": b"1", "c.html": b"2"})
    (tmp_path / "site" / "mine.txt").write_text("mine")
    write_site(tmp_path / "site", {"c.html": b"3"})
    assert sorted(file.name for file in (tmp_path / "site").iterdir()) == ["c.html", MANIFEST, "mine.txt"]
    assert (tmp_path / "site" / "c.html").read_bytes() == b"3"


def test_a_folder_with_something_else_is_not_written_into(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageProblems, match="holds something else than a site"):
        write_site(tmp_path, {"index.html": b""})
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_manifest_cannot_have_files_removed_elsewhere(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("keep")
    site = tmp_path / "site"
    site.mkdir()
    (site / MANIFEST).write_text(f"{'0' * 64}  ../outside.txt\n{'0' * 64}  {outside}\n")
    write_site(site, {"index.html": b""})
    assert outside.read_text() == "keep"
