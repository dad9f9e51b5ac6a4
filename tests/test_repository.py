"""What holds for the repository as a whole: who imports whom, what its files may say, and how it finds a Python."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "memorax").rglob("*.py"))
HARNESS = sorted((ROOT / "bench" / "memorax_bench").rglob("*.py"))

# --- who imports whom ---

PARTS = ("networks", "environments", "buffers", "loggers")  # of the library: never one another
SHARED = ("memorax.registry", "memorax.lox")
CONTRACTS = (  # what an algorithm knows of networks and environments
    "memorax.networks.types",
    "memorax.environments.types",
    "memorax.environments.spaces",
    "memorax.environments.encode",
    "memorax.buffers",
)
LAYERS = (  # of the harness, each knows those before it: identity | suite -> cells -> records -> tables | verbs
    *("errors", "alignment", "identity", "code_hash", "stats", "suite", "records", "cell", "running", "report"),
    *("measured", "perf", "submission", "comparing", "drawing", "board", "verbs", "commands", "cli"),
)
LOADS_JAX = (  # of other layers than `cell`
    *("drawing.episode", "measured.bounding", "measured.inventory", "measured.matching", "measured.oracles"),
    *("perf.counters", "verbs.doctor"),
)
# libraries of environments
ADAPTED = ("gymnax", "navix", "brax", "xminigrid", "popgym", "gymnasium", "popjym", "bsuite")


def name_of(file: Path) -> str:
    """`memorax/networks/__init__.py` -> `memorax.networks`."""
    base = ROOT / "bench" if ROOT / "bench" in file.parents else ROOT
    return ".".join(file.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


def imports(source: str, modules: frozenset[str] = frozenset(), top_only: bool = False) -> Iterator[str]:
    """Full names of what a file imports: `a.b` for `from a import b` where `a.b` is one of `modules`, else `a`."""
    nodes = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide who imports whom"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules else node.module
        elif not (top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            nodes.extend(ast.iter_child_nodes(node))


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def refused(importer: str, imported: str) -> str | None:
    """Why a file of the library may not import this; None where it may."""
    if within(imported, ("memorax_bench",)):
        return "the library does not know the harness"
    if not within(imported, ("memorax",)) or within(imported, SHARED):
        return None
    part = importer.split(".")[1] if "." in importer else ""
    if part in PARTS and not within(imported, (f"memorax.{part}",)):
        return f"{part} stand alone"
    if part == "algorithms" and not within(imported, ("memorax.algorithms", *CONTRACTS)):
        return "algorithms know contracts, not what fulfils them"
    if importer in SHARED:
        return "what all import imports none of them"
    return None


@pytest.mark.parametrize("file", LIBRARY, ids=name_of)
def test_arrows_of_the_library(file):
    modules = frozenset(map(name_of, LIBRARY))
    found = {name: refused(name_of(file), name) for name in imports(file.read_text(), modules)}
    assert {name: why for name, why in found.items() if why} == {}


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("memorax.networks.network", "from memorax.environments import spaces"),
        ("memorax.environments.gymnax", "import memorax.algorithms"),
        ("memorax.algorithms.ppo", "from memorax.networks import RNN"),
        ("memorax.algorithms.ppo", "def f():\n    from memorax.environments import make"),
        ("memorax.networks.heads", "from memorax_bench import cost"),
        ("memorax.lox", "from memorax.networks import types"),
    ],
)
def test_a_wrong_arrow_is_seen(importer, line):
    assert any(refused(importer, name) for name in imports(line, frozenset(map(name_of, LIBRARY))))


def layer_of(name: str) -> int:
    """`memorax_bench.suite.load` -> 4; the package itself knows nothing."""
    return LAYERS.index(name.split(".")[1]) if "." in name else -1


@pytest.mark.parametrize("file", HARNESS, ids=name_of)
def test_arrows_of_the_harness(file):
    modules = frozenset(map(name_of, HARNESS))
    used = {name for name in imports(file.read_text(), modules) if within(name, ("memorax_bench",))}
    assert {name for name in used if layer_of(name) > layer_of(name_of(file))} == set()


def test_statistics_have_one_door():
    modules = frozenset(map(name_of, HARNESS))
    outside = [file for file in HARNESS if not within(name_of(file), ("memorax_bench.stats",))]
    inside = {name for file in outside for name in imports(file.read_text(), modules) if "_bench.stats." in name}
    assert inside == set()


@pytest.mark.parametrize("file", HARNESS, ids=name_of)
def test_only_what_measures_loads_jax(file):
    part, _, name = name_of(file).removeprefix("memorax_bench.").partition(".")
    if part != "cell" and f"{part}.{name}" not in LOADS_JAX:
        loaded = set(imports(file.read_text(), frozenset(map(name_of, LIBRARY)), top_only=True))
        heavy = {name for name in loaded if within(name, ("jax", "jaxlib", "flax", "optax", "memorax"))}
        assert heavy <= {"memorax.registry", "memorax"}


@pytest.mark.parametrize("file", [*LIBRARY, *HARNESS], ids=name_of)
def test_environment_libraries_are_imported_when_an_environment_is_made(file):
    source = file.read_text()
    assert not [name for name in imports(source, top_only=True) if within(name, ADAPTED)]
    adapter = name_of(file).removeprefix("memorax.environments.").split(".")[0]
    allowed = ADAPTED if name_of(file) == "memorax_bench.measured.inventory" else (adapter,)
    assert not [name for name in imports(source) if within(name, ADAPTED) and not within(name, allowed)]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["ls", "suites"], ["ls", "tasks"], ["plan", "suite=smoke", "--resolve", "0.05"], ["validate"]],
    ids=" ".join,
)
def test_verbs_that_compute_nothing_load_no_jax(arguments, tmp_path):
    program = (
        "import sys; from memorax_bench.cli import main\n"
        "try: main()\n"
        "except SystemExit as error: assert not error.code, error.code\n"
        "heavy = {'jax', 'jaxlib', 'flax', 'optax', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'bench'}"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# --- what files may say ---


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout: an unpacked source archive does not say which files are tracked")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


PRIVATE = re.compile(
    r"(?<![\w.~])/(?:root|home/\w+|Users/\w+|work|opt)/"  # folders of one machine
    r"|(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?/"  # addresses
    r"|--(?:extra-)?index-url|--find-links|--trusted-host"  # where one machine gets its packages
)


def test_private_names_are_seen():
    for text in ("/root/.cache/x", "see /home/ann/x", '"/opt/x"', "http://10.0.0.7:80/simple", "--index-url x"):
        assert PRIVATE.search(text), text
    for text in ("~/.pyenv/versions", "https://arxiv.org/abs/1406.1078", "jax 0.11.2", "$HOME/.pyenv", "a/home/b"):
        assert not PRIVATE.search(text), text


def test_no_file_names_a_machine():
    here = Path(__file__).resolve()
    found = []
    for file in tracked():
        if file.resolve() == here or file.suffix in (".png", ".npz", ".gz"):
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        found += [f"{file.relative_to(ROOT)}:{n}: {line}" for n, line in enumerate(lines, 1) if PRIVATE.search(line)]
    assert not found


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    matched = [re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.!+]*)", line) for line in lines]
    assert all(matched), [line for line, match in zip(lines, matched, strict=True) if not match]
    return {re.sub("[-_.]+", "-", match[1]).lower(): match[2] for match in matched}


def test_pins_are_names_and_versions():
    assert len(pins()) > 50


def test_every_dependency_is_pinned():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower() for requirement in wanted}
    assert names <= pins().keys()


# --- how a Python is found ---

OLD = f'exec {sys.executable} -c "import sys; sys.version_info = (3, 11, 9); exec(sys.argv[1])" "$2"'
BROKEN = 'echo "pyenv: $0: command not found" >&2; exit 127'
ADVICE = "make run PYTHON=/path/to/python3.12"


def good(label: str) -> str:
    """A fake interpreter that passes the check and calls itself `label`."""
    return f'exec {sys.executable} -c "import sys; sys._base_executable = \'/fake/{label}\'; exec(sys.argv[1])" "$2"'


@pytest.fixture
def machine(tmp_path):
    """`machine({"bin/python3": script, ...}, PYTHON=...)` runs the finder where these are the only interpreters."""

    def find(interpreters: dict[str, str], **environment: str) -> subprocess.CompletedProcess:
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in ("sh", "ls", "grep", "sort"):
            (tools / tool).symlink_to(next(p for p in (Path("/bin") / tool, Path("/usr/bin") / tool) if p.exists()))
        for name, script in interpreters.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        environment = {"PATH": f"{tmp_path / 'bin'}:{tools}", "HOME": str(tmp_path), **environment}
        command = [str(ROOT / "tools" / "find-python")]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return find


@pytest.mark.parametrize(
    ("interpreters", "chosen"),
    [
        pytest.param({"bin/python3": good("python3")}, "python3", id="python3"),
        pytest.param({"bin/python3.12": BROKEN, "bin/python3": OLD, "bin/python": good("it")}, "it", id="broken-shim"),
        pytest.param({"bin/python3.14": good("14"), "bin/python3.12": good("12")}, "12", id="tested-version-first"),
        pytest.param(
            {
                "bin/python3": OLD,
                ".pyenv/versions/3.11.7/bin/python": OLD,
                ".pyenv/versions/3.12.9/bin/python": good("3.12.9"),
                ".pyenv/versions/3.12.10/bin/python": good("3.12.10"),
                ".pyenv/versions/3.13.0/bin/python": good("3.13.0"),
            },
            "3.12.10",
            id="pyenv-newest-patch",
        ),
        pytest.param({"bin/uv": 'echo "$HOME/uv-python"', "uv-python": good("by-uv")}, "by-uv", id="uv"),
    ],
)
def test_a_python_is_found(machine, interpreters, chosen):
    found = machine(interpreters)
    assert (found.returncode, found.stdout) == (0, f"/fake/{chosen}\n")


@pytest.mark.parametrize("interpreters", [{}, {"bin/python3.12": BROKEN, "bin/python3": OLD}], ids=["none", "unfit"])
def test_one_line_where_there_is_none(machine, interpreters):
    found = machine(interpreters)
    assert found.returncode == 1
    assert found.stdout.count("\n") == 1 and "Python >= 3.12" in found.stdout and ADVICE in found.stdout
    assert not found.stderr


def test_a_named_python_is_taken_or_refused(machine, tmp_path):
    named = tmp_path / "mine"
    found = machine({"mine": good("mine"), "bin/python3.12": good("other")}, PYTHON=str(named))
    assert found.stdout == "/fake/mine\n"


def test_a_named_python_is_never_replaced(machine):
    found = machine({"bin/python3": OLD, "bin/python3.12": good("other")}, PYTHON="python3")
    assert found.returncode == 1 and found.stdout.count("\n") == 1
    assert found.stdout.startswith("PYTHON=python3 is not") and ADVICE in found.stdout


def test_make_says_it_in_one_line_too(tmp_path):
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/find-python"):
        (tmp_path / name).symlink_to(ROOT / name)
    # Not as a sub-make of the make that may run these tests: it would announce its folder.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "run", "PYTHON=/nowhere"], cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode != 0
    assert not done.stdout and done.stderr.count("\n") == 1 and "PYTHON=/nowhere is not" in done.stderr
