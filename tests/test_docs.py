"""The documentation runs, and says what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])


def blocks(page: Path | str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_the_code_of_a_page_is_one_program(page):
    namespace: dict = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), namespace)


def test_every_relative_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_suite_of_the_guide_is_valid(tmp_path):
    from memorax_bench.suite.load import load_suite

    (text,) = blocks("docs/guides/benchmarks.md", "yaml")
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")
    assert len(load_suite(str(tmp_path / "suite.yaml"), []).cells) == 3


# --- tables ---


def rows(page: str, header: str) -> list[list[str]]:
    """The cells of every row of the tables whose first column has that header."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        if line.startswith(f"| {header} |"):
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    break
                found.append([cell.strip() for cell in row.strip("|").split(" | ")])
    assert found, f"{page} has no table of {header}"
    return found


def names(page: str, header: str) -> list[str]:
    """What the first column names: `Residual(f)`, `GatedResidual(f)` are Residual and GatedResidual."""
    return [re.match(r"[\w.-]+", code)[0] for row in rows(page, header) for code in re.findall("`([^`]+)`", row[0])]


def test_every_torso_is_in_the_table_as_it_is_made_and_with_its_paper():
    from memorax.networks import sequence_models
    from memorax.networks.types import SequenceModel
    from memorax.registry import SEQUENCE_MODELS, resolve
    from memorax_bench.suite.catalogue import load_catalogue

    table = {row[0].strip("`"): row for row in rows("docs/guides/networks.md", "torso")}
    assert table.keys() == SEQUENCE_MODELS.keys()
    for name, (_, made, _, paper) in table.items():
        torso = eval(made.strip("`").replace("(...)", "(features=64)"), vars(sequence_models).copy())
        module = resolve(SEQUENCE_MODELS[name])
        assert isinstance(torso, SequenceModel) and f"{module.__name__}(" in made, name
        assert re.sub(r"\[(.*?)\]\(.*?\)", r"\1", paper) == load_catalogue().torsos[name].paper, name


def test_every_algorithm_is_in_the_table_with_what_it_acts_in():
    from memorax.registry import ALGORITHMS, resolve

    spaces = {"discrete": "Discrete", "multi_discrete": "MultiDiscrete", "continuous": "Box"}
    table = {row[0].strip("`"): row for row in rows("docs/guides/algorithms.md", "algorithm")}
    assert table.keys() == ALGORITHMS.keys()
    for name, row in table.items():
        assert row[2] == ", ".join(spaces[kind] for kind in resolve(ALGORITHMS[name]).action_kinds), name


def test_every_head_extractor_and_block_is_in_a_table():
    from memorax.networks import blocks, heads, observation_extractors
    from memorax.networks.types import Head

    page = "docs/guides/networks.md"
    modules = {name for name in heads.__all__ if isinstance(getattr(heads, name), type)}
    assert {*names(page, "head")} == {name for name in modules if issubclass(getattr(heads, name), Head)} | {"Twin"}
    assert {*names(page, "block")} == {*blocks.__all__}
    assert {name for name in names(page, "extractor") if name != "Identity"} == {
        name
        for name, thing in vars(observation_extractors).items()
        if isinstance(thing, type) and thing.__module__ == observation_extractors.__name__
    }


def test_environments_and_wrappers_are_in_the_tables():
    from memorax.environments import popgym, wrappers
    from memorax.registry import ENVIRONMENTS
    from memorax_bench.suite.catalogue import load_catalogue

    page, tasks = "docs/guides/environments.md", [name.partition("::")[0] for name in load_catalogue().tasks]
    table = {row[0].strip("`"): row[1] for row in rows(page, "namespace")}
    assert table.keys() == ENVIRONMENTS.keys()
    for namespace in ("gymnax", "navix", "xminigrid"):
        assert table[namespace] == f"{tasks.count(namespace)} tasks"
    families = len(popgym.FAMILIES)
    assert table["popgym"].startswith(f"{families * len(popgym.DIFFICULTIES)} tasks in {families} families")
    assert names(page, "wrapper") and {*names(page, "wrapper")} == {*wrappers.__all__}


def test_loggers_are_in_the_table():
    from memorax import loggers

    assert {*names("docs/guides/logging.md", "logger")} == {n for n in loggers.__all__ if n.endswith("Logger")} - {
        "Logger"
    }


def test_sizes_of_buffers_are_in_the_table():
    import inspect

    from memorax.buffers import make_prioritised_episode_buffer

    arguments = {*inspect.signature(make_prioritised_episode_buffer).parameters} - {"is_start"}
    assert {*names("docs/guides/buffers.md", "argument")} == arguments


def test_verbs_and_suites_are_in_the_tables():
    from typer.main import get_command

    from memorax_bench.cli import app
    from memorax_bench.suite.load import shipped_suites

    assert {*names("docs/guides/benchmarks.md", "verb")} == {*get_command(app).commands}
    assert {*names("docs/guides/benchmarks.md", "suite")} == {*shipped_suites()}


def test_extras_are_in_the_table():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {*names("docs/installation.md", "extra")} <= extras.keys()
    assert {*names("docs/installation.md", "command")} <= {"make"}


@pytest.mark.parametrize("page", ["docs/examples.md", "examples/README.md"])
def test_every_example_is_listed(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert {*re.findall(r"\b(\w+\.py)\b", text)} == {file.name for file in (ROOT / "examples").glob("*.py")}
