"""The compilation cache has a size."""

import os

from memorax_bench.cell.device import prune


def fill(folder, ages, size=100):
    folder.mkdir(exist_ok=True)
    for number, age in enumerate(ages):
        path = folder / f"{number}-cache"
        path.write_bytes(b"x" * size)
        os.utime(path, (1e9 - age, 1e9 - age))


def test_what_was_used_longest_ago_goes_first(tmp_path):
    fill(tmp_path, [5, 50, 1, 30])
    prune(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-cache", "2-cache"]


def test_reading_is_use(tmp_path):
    fill(tmp_path, [5, 50])
    os.utime(tmp_path / "1-cache", (1e9, 1e9 - 50))
    prune(tmp_path, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["1-cache"]


def test_other_files_are_left_alone(tmp_path):
    """The folder is the user's to choose, and may hold more than the cache."""
    fill(tmp_path, [5, 50])
    (tmp_path / "thesis.tex").write_bytes(b"x" * 1000)
    os.utime(tmp_path / "thesis.tex", (1e8, 1e8))
    prune(tmp_path, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-cache", "thesis.tex"]


def test_a_cache_within_its_size_is_left_alone(tmp_path):
    fill(tmp_path, [5, 50])
    prune(tmp_path, 200)
    assert len(list(tmp_path.iterdir())) == 2
    prune(tmp_path / "missing", 0)
