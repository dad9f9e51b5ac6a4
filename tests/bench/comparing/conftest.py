"""Results folders of the suite `quick` for two sides."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from fixtures import submissions
from memorax_bench.suite.load import load_suite

QUICK = load_suite("quick", ["seeds=5"])
MEANS = {"gru": 0.9, "lru": 0.8}


@pytest.fixture
def quick():
    return QUICK


@pytest.fixture
def side(tmp_path):
    """Makes a results folder: `means` are raw returns by torso, the same in both tasks."""

    def side(name: str, means: Mapping[str, float] = MEANS, suite=QUICK, seeds=range(5), **settings) -> Path:
        for cell in suite.cells:
            if cell.torso_label in means:
                made = submissions.make_record(suite, cell, seeds=seeds, mean=means[cell.torso_label], **settings)
                submissions.publish(tmp_path / name, suite, cell, *made)
        return tmp_path / name

    return side
