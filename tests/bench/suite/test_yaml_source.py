"""YAML is read as written, with lines; what surprises or harms is refused, all of it at once."""

import pytest

from memorax_bench.suite.yaml_source import dotted, parse_flow, parse_yaml, read_yaml


def test_everything_is_text_with_its_line():
    source = parse_yaml("a: 1e6\nb:\n  - no\n  - {c: 12:30, d: 010}\n", "f")
    assert source.problems == ()
    assert source.tree == {"a": "1e6", "b": ["no", {"c": "12:30", "d": "010"}]}
    assert source.origins["a",].line == 1
    assert source.origins["b", 0].line == 3
    assert source.origins["b", 1, "d"].line == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\na: 2\n", 2, "duplicate key, first given on line 1"),
        ("x: {a: 1,\n a: 2}\n", 2, "duplicate key"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tag '!!python/object/apply:os.system'"),
        ("a: 1\nb: !include x\n", 2, "tag '!include'"),
        ("a: !!set {x}\n", 1, "tag '!!set'"),
        ("a: &x 1\n", 1, "anchor '&x'"),
        ("a: &x 1\nb: *x\n", 2, "alias '*x'"),
        ("a: ${oc.env:HOME}\n", 1, "interpolation"),
        ("a:\n  <<: {b: 1}\n", 2, "merge key"),
        ("? [a]\n: 1\n", 1, "a key must be plain text"),
        ("- a\n", 1, "top level is not a mapping"),
        ("just text\n", 1, "top level is not a mapping"),
        ("", None, "empty"),
        ("# only a comment\n", None, "empty"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: \x00", None, "not valid YAML"),
    ],
)
def test_refuses(text, line, message):
    source = parse_yaml(text, "f.yaml")
    found = [problem for problem in source.problems if message in problem.message]
    assert found, source.problems
    assert (found[0].file, found[0].line) == ("f.yaml", line)


def test_all_problems_at_once():
    source = parse_yaml("a: 1\na: 2\nb: !x 3\nc: ${y}\n", "f")
    assert [problem.line for problem in source.problems] == [2, 3, 4]


def test_an_alias_bomb_is_refused_unexpanded():
    text = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True))
    assert parse_yaml(text, "f").tree == {}


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read(tmp_path, data):
    path = tmp_path / "x.yaml"
    if data is not None:
        path.write_bytes(data)
    assert "cannot be read" in read_yaml(path).problems[0].message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1e-3", "-1e-3"),
        ("pkg.mod:Cell", "pkg.mod:Cell"),
        ("a: b", "a: b"),
        ("[a, b]", ["a", "b"]),
        ("{type: pkg.mod:Cell, features: 64}", {"type": "pkg.mod:Cell", "features": "64"}),
        ('"[x]"', "[x]"),
        ("", ""),
    ],
)
def test_flow_values(text, value):
    assert parse_flow(text, "argument") == (value, ())


@pytest.mark.parametrize("text", ["[a", "{a: 1, a: 2}", "!!python/name:x", "${x}", "&a b", "*a"])
def test_flow_refuses(text):
    assert parse_flow(text, "argument")[1]


def test_dotted():
    assert dotted(("a", "b", 0, "c")) == "a.b[0].c"
