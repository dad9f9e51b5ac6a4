"""A suite with two ranked families, a baseline and five seeds, and its table; nothing is trained."""

import pytest

from memorax_bench.report.frame import frame_of
from memorax_bench.report.learning import read_learning
from memorax_bench.report.standings import standings
from memorax_bench.report.tables import build_table
from tests.bench.synthetic import SUITE, fill, resolve

RANKED = (
    SUITE.replace("family: HigherLower, rank: false,", "family: HigherLower,")
    .replace("floor: 0.0, ceiling: 0.5", "floor: 0.0, ceiling: 1.0")
    .replace("seeds: 3", "seeds: 5")
    .replace(
        "entries:",
        "rankings: {torsos: {algorithms: [ppo], tasks: [repeat-previous, higher-lower], baseline: gru}}\nentries:",
    )
)
FINALS = {  # raw: of repeat-previous, 1.5 x - .5 is a normalised x; of higher-lower, it is x itself
    ("repeat-previous", "mlp"): (-0.5,) * 5,
    ("repeat-previous", "mlp-prev"): (-0.5, -0.35, -0.5, -0.35, -0.5),
    ("repeat-previous", "gru"): (0.25, 0.4, 0.55, 0.7, 0.85),  # .5, .6, .7, .8, .9
    ("repeat-previous", "lru"): (1.0,) * 5,
    ("repeat-previous", "mamba2"): (0.7, 0.85, 1.0, -0.5, None),
    ("higher-lower", "mlp"): (0.0,) * 5,
    ("higher-lower", "mlp-prev"): (0.0, 0.1, 0.0, 0.1, 0.0),
    ("higher-lower", "gru"): (0.4, 0.5, 0.6, 0.5, 0.5),
    ("higher-lower", "lru"): (0.8, 0.8, 0.8, 0.8, 0.8),
    ("higher-lower", "mamba2"): (0.4, 0.5, 0.6, 0.5, 0.5),
}


@pytest.fixture(scope="session")
def ranked(tmp_path_factory):
    """The suite, resolved."""
    return resolve(tmp_path_factory.mktemp("suite"), text=RANKED)


@pytest.fixture(scope="session")
def ranked_scan(tmp_path_factory, ranked):
    return fill(tmp_path_factory.mktemp("results"), ranked, FINALS)


@pytest.fixture(scope="session")
def table(ranked, ranked_scan):
    return build_table(ranked, ranked_scan)


@pytest.fixture(scope="session")
def frame(table):
    return frame_of(table)


@pytest.fixture(scope="session")
def found(table):
    """Its standings."""
    return standings(table)


@pytest.fixture(scope="session")
def learning(table):
    return read_learning(table)[0]
