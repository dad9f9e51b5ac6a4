"""The compilation cache has a size, and can be left alone."""

import os

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache

from memorax_bench.cell.compiling import lower
from memorax_bench.cell.device import no_compilation_cache, prune


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


@pytest.fixture
def own_cache(tmp_path):
    """The folder of a cache that nothing is in."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "xla"))
    compilation_cache.reset_cache()
    yield tmp_path / "xla"
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()


def test_a_cache_that_is_left_alone_is_neither_read_nor_written(own_cache):
    def compiled(factor):
        return lower(lambda x: jnp.sin(x) * factor, jnp.ones(3)).compile().cache

    with no_compilation_cache():
        assert compiled(2.0) == "off"
    assert not list(own_cache.glob("*-cache"))
    assert (compiled(2.0), compiled(2.0)) == ("miss", "hit")
    kept = sorted(own_cache.glob("*-cache"))
    with pytest.raises(ZeroDivisionError), no_compilation_cache():
        assert (compiled(2.0), compiled(3.0)) == ("off", "off")
        raise ZeroDivisionError
    assert sorted(own_cache.glob("*-cache")) == kept
    assert compiled(2.0) == "hit"
