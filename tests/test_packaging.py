"""What ships: the wheel's contents, and that both ways of installing find the suites outside the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = {file.stem for file in (ROOT / "suites").glob("*.yaml")}
NOT_SHIPPED = ("tests", "results", "reports", "suites", "docs", "examples", "bench", "speed", "tools")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built as a user would; pip fetches the build backend, or has it in its cache."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--wheel-dir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def list_suites(folder: Path, *path: Path) -> set[str]:
    """`memorax-bench ls suites` in `folder`, with `path` before what is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    command = [sys.executable, "-m", "memorax_bench.cli", "ls", "suites"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {line.partition("@")[0] for line in done.stdout.splitlines()[1:]}


def test_the_wheel_holds_what_it_should(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"memorax/__init__.py", "memorax_bench/cli.py", "memorax_bench/suite/catalogue.json"} <= names
    assert {f"memorax_bench/suites/{suite}.yaml" for suite in SHIPPED} <= names
    assert "memorax_bench/suites/frozen.json" in names
    board = ROOT / "bench" / "memorax_bench" / "board"
    pages = {file.relative_to(ROOT / "bench") for name in ("templates", "assets") for file in (board / name).iterdir()}
    assert len(pages) > 5 and {str(file) for file in pages} <= names
    assert not [name for name in names if name.split("/")[0] in NOT_SHIPPED or "__pycache__" in name]
    sources = {str(file.relative_to(ROOT)) for file in (ROOT / "memorax").rglob("*.py")}
    assert sources <= names


def test_the_wheel_carries_its_licence_and_its_command(wheel):
    archive = zipfile.ZipFile(wheel)
    information = {name.partition("/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
    assert "licenses/LICENSE" in information
    assert "memorax-bench = memorax_bench.cli:main" in archive.read(information["entry_points.txt"]).decode()


def test_suites_of_an_installed_wheel(wheel, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", "--target", site, wheel]
    assert subprocess.run(command, capture_output=True).returncode == 0
    located = "import memorax_bench.suite.load as s; print(s.suites_folder())"
    done = subprocess.run(
        [sys.executable, "-c", located], cwd=tmp_path, env={"PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(site / "memorax_bench" / "suites"), done.stderr
    assert list_suites(tmp_path, site) == SHIPPED


def test_suites_of_an_editable_install(tmp_path):
    assert list_suites(tmp_path) == SHIPPED
