"""Whatever is sent, `verify` accepts it or refuses it in words: no traceback, nothing that moves a cursor."""

import contextlib
import gzip
import io
import json
import random

import pytest

from fixtures import submissions
from memorax_bench import errors
from memorax_bench.identity import config_hash
from memorax_bench.records.leaves import leaves
from memorax_bench.records.record import dump, read_record
from memorax_bench.records.store import RECORD, Store
from memorax_bench.submission import manifest
from memorax_bench.submission.archive import pack, unpack
from memorax_bench.submission.packing import chosen_records, pack_records
from memorax_bench.submission.words import is_printable
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.verifying import Asked, verify_path

SUITE = load_suite("smoke", ["seeds=2", "torsos=[gru]", "tasks=[repeat-previous]"])
ROUNDS = 60
JUNK = (
    *(None, True, -1, 0, 10**400, 2**31, 1e308, 0.5, "", "x" * 3000, "\u202e\x1b[2J", "\ud800", "../../etc/passwd"),
    *([], {}, [[[]]], {"a": {"b": []}}, [None, 1, "a"]),
)


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """A results folder with one record, and its submission."""
    results = tmp_path_factory.mktemp("results")
    (folder,) = submissions.fill(results, SUITE)
    return folder, pack_records(SUITE, chosen_records(SUITE, Store(results).scan(SUITE.label)))


@pytest.fixture
def verify(tmp_path):
    """The exit code of a packed file's bytes, after looking at what was said."""

    def verify(data: bytes) -> int:
        file, said = tmp_path / "x.tar.gz", io.StringIO()
        file.write_bytes(data)
        with contextlib.redirect_stdout(said):
            code = verify_path(file, [SUITE], Asked())
        lines = said.getvalue().splitlines()
        assert all(is_printable(line) for line in lines), lines
        assert not [line for line in lines if "cannot be checked" in line], lines
        assert code == errors.EXIT_OK or (code == errors.EXIT_INVALID and lines[-1].startswith("not valid")), lines
        return code

    return verify


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, taken out, put in, or doubled."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place, much = rng.randrange(len(changed) + 1), rng.choice((1, 1, 4, 64))
        match rng.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[place : place + much]
            case 2:
                changed[place:place] = bytes(rng.randrange(256) for _ in range(much))
            case 3:
                changed[place:place] = changed[place : place + much]
    return bytes(changed)


def relisted(files: dict[str, bytes]) -> bytes:
    """Packed with a manifest that lists them as they are."""
    own = {name: data for name, data in files.items() if name != manifest.FILE}
    listed = json.loads(files[manifest.FILE]) | {"files": manifest.hashes(own)}
    return pack({**own, manifest.FILE: json.dumps(listed).encode()})


def test_bytes_of_the_file(valid, verify):
    rng = random.Random(0)
    assert verify(valid[1]) == errors.EXIT_OK
    codes = [verify(mutated(valid[1], rng)) for _ in range(ROUNDS)]
    assert codes.count(errors.EXIT_INVALID) >= ROUNDS - 2  # a byte of gzip's header may say nothing


def test_bytes_of_the_tar(valid, verify):
    rng, tar = random.Random(1), gzip.decompress(valid[1])
    for _ in range(ROUNDS):
        verify(gzip.compress(mutated(tar, rng), 1))


@pytest.mark.parametrize("kind", ["record.json", "curves.csv.gz", "manifest.json"])
def test_bytes_of_a_member(valid, verify, kind):
    rng, files = random.Random(kind), unpack(valid[1])
    name = next(name for name in files if name.endswith(kind))
    for _ in range(ROUNDS):
        changed = {**files, name: mutated(files[name], rng)}
        verify(pack(changed) if kind == manifest.FILE else relisted(changed))


def test_values_of_a_record(valid, verify):
    """Any leaf replaced by anything, every hash made anew where the schema allows it at all."""
    rng, files = random.Random(2), unpack(valid[1])
    name = next(name for name in files if name.endswith(RECORD))
    record = read_record(valid[0] / RECORD)
    paths = [path for path, _ in leaves(dump(record))]
    for _ in range(2 * ROUNDS):
        path, junk = rng.choice(paths), rng.choice(JUNK)
        cut = rng.randrange(path.count(".") + 1)  # a leaf, or the branch that it grows on
        data = submissions.altered(record, ".".join(path.split(".")[: path.count(".") + 1 - cut]), lambda _, j=junk: j)
        with contextlib.suppress(KeyError, TypeError, ValueError):
            data["cell"]["config_hash"] = config_hash(data["cell"]["config"])
            data = submissions.sealed_anew(data)
        verify(relisted({**files, name: json.dumps(data).encode()}))
