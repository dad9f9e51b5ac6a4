"""One document, written three ways: whatever stands in a text is no markup, and pages ask for nothing."""

import base64
import re
from html.parser import HTMLParser

import pytest

from memorax_bench.report import html, latex, markdown
from memorax_bench.report.document import Commands, Document, Grid, Heading, Items, Paragraph, Picture

NASTY = '<script>alert(1)</script> & "q" | *b* 100% $x_1$ #a {b} ~^\\ é — † ☃'
HEADER = ("torso", "n", "mean", "")
BODY = (("gru", "5", ".98 [.97,.99]†", ""), (NASTY, "5", "— ", "control"))
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (690).to_bytes(4) + (200).to_bytes(4) + b"p" * 50
DOCUMENT = Document(
    title=NASTY,
    source="tiny@1, commit 01234567",
    blocks=(
        Paragraph(NASTY, NASTY),
        Heading("Notes & <more>"),
        Items((NASTY, "two")),
        Grid("scores", NASTY, HEADER, BODY, ("torso", ""), "table.csv"),
        Picture("curves", "Learning curves", NASTY),
        Commands(("memorax-bench run 'a<b'",)),
    ),
)


@pytest.fixture
def page(tmp_path):
    (tmp_path / "curves.png").write_bytes(PNG)
    (tmp_path / "curves.svg").write_bytes(b"<svg/>")
    return html.to_html(DOCUMENT, tmp_path)


class Tags(HTMLParser):
    """The tags of a page, with their attributes; it fails where they are not nested."""

    void = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_nested_and_asks_for_nothing(page):
    found = Tags(page)
    assert "script" not in {tag for tag, _ in found.tags} and "link" not in {tag for tag, _ in found.tags}
    outside = [
        value for _, attributes in found.tags for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action") and not value.startswith(("data:image/", "#"))
    ]  # fmt: skip
    assert outside == ["table.csv", "curves.svg", "curves.csv"]  # to be followed, and only then
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'") and "url(" not in page and "@import" not in page
    assert found.text.count(NASTY) >= 5


def test_html_can_be_read_without_seeing_it(page):
    found = Tags(page)
    assert ("html", {"lang": "en"}) in found.tags and {"main", "nav", "header"} <= {tag for tag, _ in found.tags}
    heads = [attributes for tag, attributes in found.tags if tag == "th"]
    assert [head["scope"] for head in heads] == ["col"] * 3 + ["row"] * 2
    (image,) = (attributes for tag, attributes in found.tags if tag == "img")
    assert (image["width"], image["height"]) == ("414", "120")  # 3.45 inches by 1
    assert image["alt"] == f"Learning curves: {NASTY}"
    regions = [attributes for tag, attributes in found.tags if attributes.get("role") == "region"]
    assert [region["aria-label"] for region in regions] == [NASTY, "Learning curves"]
    assert {region["tabindex"] for region in regions} == {"0"}
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    links = [a["href"][1:] for tag, a in found.tags if tag == "a" and a["href"].startswith("#")]
    assert ids == links == ["notes----more-"]


def test_html_holds_the_smaller_picture(page, tmp_path):
    assert f"data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()}" in page
    (tmp_path / "curves.svg").write_bytes(b"<svg/>" * 99)
    assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in html.to_html(DOCUMENT, tmp_path)


def test_html_is_light_and_dark(page):
    assert "color-scheme: light dark" in page and "prefers-color-scheme: dark" in page and "width=device-width" in page


def contrast(one, other):
    """WCAG 2: the ratio of the luminances of two colours `#rrggbb`."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_html_has_contrast_in_both():
    schemes = re.findall(r":root \{[^}]*--ink[^}]*\}", html.STYLE)
    assert len(schemes) == 2
    for scheme in schemes:
        colour = dict(re.findall(r"--(\w+): (#\w{6})", scheme))
        for words in ("ink", "faint", "link"):
            assert min(contrast(colour[words], colour["paper"]), contrast(colour[words], colour["row"])) > 4.5


def test_markdown_escapes():
    text = markdown.to_markdown(DOCUMENT)
    assert "<script" not in text and "&lt;script>" in text and "\\*b\\*" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5] * 4
    assert rows[1] == "|:--|--:|--:|:--|"
    assert "![Learning curves](curves.png)" in text and "[numbers](table.csv)" in text


def test_latex_by_hand():
    text = latex.to_latex(Document("t", "tiny@1, commit 0", (Grid("s", "100%", HEADER, BODY[:1], ("torso", "")),)))
    assert text.splitlines()[0] == r"% needs: \usepackage{booktabs}"
    assert text.endswith(
        r"""
\begin{table}[htbp]
\centering\scriptsize\setlength{\tabcolsep}{4pt}
\caption{100\%. tiny@1, commit 0.}\label{tab:tiny@1-s}
\begin{tabular}{@{}lrr@{}}
\toprule
torso & n & mean \\
\midrule
gru & 5 & .98 {\tiny[.97,.99]}\textdagger{} \\
\bottomrule
\end{tabular}
\end{table}
"""
    )


def test_latex_escapes():
    text = latex.to_latex(DOCUMENT)
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    plain = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}", "", body)  # without what is escaped
    assert not set("#~^☃") & set(plain)
    assert plain.count("{") == plain.count("}") and "%" not in plain and "$" not in plain
    assert body.count(r"\begin{") == body.count(r"\end{") and "é" in body and "---" in body
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {3}


def test_latex_comments_are_one_line():
    text = latex.to_latex(Document("a\nb", "c\r\nd", ()))
    assert text.splitlines() == [r"% needs: \usepackage{booktabs}", "% a b: c d"]


def test_wide_tables_are_set_in_parts():
    header = ("torso", *(f"c{i}" for i in range(9)), "")
    wide = Grid("w", "wide", header, (("gru", *"123456789", "control"),), ("torso", ""))
    text = latex.to_latex(Document("t", "s@1", (wide,)))
    rows = [line for line in text.splitlines() if line.startswith("gru")]
    assert rows == [r"gru & 1 & 2 & 3 & 4 & 5 & 6 & 7 \\", r"gru & 8 & 9 & control \\"]
    assert "wide (continued)" in text and text.count(r"\label{tab:s@1-w") == 2
