"""What others have sent is read only as far as was allowed for."""

import gzip
import os

import pytest

from memorax_bench.records.bounded import gunzip, read_plain_file
from memorax_bench.records.curves import COLUMNS, decode_curves, encode_curves


def test_a_file_is_read_up_to_its_limit(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_plain_file(file, 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_plain_file(file, 4)
    with pytest.raises(FileNotFoundError):
        read_plain_file(tmp_path / "other", 4)


def test_only_plain_files_are_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="a link"):
        read_plain_file(tmp_path / "link", 100)
    with pytest.raises(ValueError, match="not a plain file"):
        read_plain_file(tmp_path / "pipe", 100)  # and does not wait for who writes into it
    with pytest.raises((ValueError, OSError)):
        read_plain_file(tmp_path, 100)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"plain", "not gzip"),
        (gzip.compress(b"x" * 100, mtime=0)[:-4], "cut off"),
        (gzip.compress(b"x", mtime=0) + b"more", "behind the gzip stream"),
        (gzip.compress(b"x", mtime=0) + gzip.compress(b"x", mtime=0), "behind the gzip stream"),
        (gzip.compress(b"x" * 101, mtime=0), "more than 100 bytes"),
        (gzip.compress(bytes(50_000_000), 9, mtime=0), "more than 100 bytes"),
    ],
)
def test_a_stream_is_unpacked_up_to_its_limit(data, why):
    assert gunzip(gzip.compress(b"x" * 100, mtime=0), 100) == b"x" * 100
    with pytest.raises(ValueError, match=why):
        gunzip(data, 100)


ROW = dict(zip(COLUMNS, (3, 512, 4, 0.5, 0.1, 0.25, 1.0, 51.0), strict=True))
HEAD = ",".join(COLUMNS)


def test_curves_come_back_as_they_were():
    rows = [ROW, {**ROW, "mean": float("nan"), "seed": 4}]
    found = decode_curves(encode_curves(rows))
    assert str(found) == str(rows)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must begin with"),
        ("seed\n1\n", "must begin with"),
        (f"{HEAD}\n1,2", "must begin with"),
        (f"{HEAD}\n1,2,3\n", "line 2 has 3 values for 8"),
        (f"{HEAD}\n1,2,3,4,5,6,7,x\n", "line 2: length = 'x' is no number"),
        (f"{HEAD}\n1.5,2,3,4,5,6,7,8\n", "line 2: seed = '1.5' is no number"),
        (f"{HEAD}\n{'9' * 5000},2,3,4,5,6,7,8\n", "line 2: seed"),
        ("é", "not plain text"),
    ],
)
def test_other_curves_are_refused(text, why):
    with pytest.raises(ValueError, match=why):
        decode_curves(gzip.compress(text.encode()))
