"""Packed submissions come back as they were; an archive that could do anything else is refused. All are made here."""

import gzip
import io
import tarfile

import pytest

from memorax_bench.submission import archive
from memorax_bench.submission.archive import pack, unpack
from memorax_bench.submission.findings import Refused

FILES = {"manifest.json": b"{}", "task/ppo/gru/0123456789abcdef/record.json": b"x" * 700}


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=form) as made:
        for member, data in members:
            made.addfile(member, io.BytesIO(data))
    return text.getvalue()


def member(name: str = "file", data: bytes = b"data", **fields) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size = len(data)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, data


def test_files_come_back_and_bytes_are_the_same():
    packed = pack(FILES)
    assert unpack(packed) == FILES
    assert pack(dict(reversed(FILES.items()))) == packed
    with tarfile.open(fileobj=io.BytesIO(packed)) as read:
        names = read.getmembers()
    assert [(one.name, one.mtime, one.uid, one.mode) for one in names] == [
        (name, 0, 0, 0o644) for name in sorted(FILES)
    ]


def test_names_are_as_long_as_labels_may_be():
    name = "/".join(["a" * 64, "b" * 64, "c" * 64, "0" * 16, "curves.csv.gz"])
    assert unpack(pack({name: b"x"})) == {name: b"x"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a//b", ".x", "a/.git/x", "A", "a\\b", "a b", "", "é", "a\n"])
def test_names_that_lead_elsewhere_are_neither_packed_nor_read(name):
    with pytest.raises((ValueError, UnicodeEncodeError)):
        pack({name: b"x"})
    with pytest.raises(Refused, match=r"is no name for a file|is not a plain file"):
        unpack(gzip.compress(tar(member(name))))


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member(type=tarfile.SYMTYPE, linkname="/etc/passwd", data=b"")], "not a plain file"),
        ([member(type=tarfile.LNKTYPE, linkname="other", data=b"")], "not a plain file"),
        ([member(type=tarfile.CHRTYPE, data=b"")], "not a plain file"),
        ([member(type=tarfile.FIFOTYPE, data=b"")], "not a plain file"),
        ([member(type=tarfile.DIRTYPE, data=b"")], "not a plain file"),
        ([member(type=tarfile.GNUTYPE_SPARSE)], "not a plain file"),
        ([member(type=tarfile.CONTTYPE)], "not a plain file"),
        ([member(linkname="elsewhere")], "not a plain file"),
        ([member(), member()], "file stands twice"),
    ],
)
def test_members_that_are_not_plain_files(members, why):
    with pytest.raises(Refused, match=why):
        unpack(gzip.compress(tar(*members)))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_headers_of_extensions(form):
    long = "a" * 60 + "/" + "b" * 100
    with pytest.raises(Refused, match=r"not a plain file|no tar of the form ustar"):
        unpack(gzip.compress(tar(member(long + "/" + "c" * 120), form=form)))


PLAIN = tar(member("file", b"x" * 600))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "does not end as a tar does"),
        (b"x", "no tar of the form ustar"),
        (PLAIN[:700], "cut off"),
        (PLAIN[:1600], "does not end as a tar does"),
        (PLAIN + b"more", "does not end as a tar does"),
        (PLAIN + bytes(40_000), "does not end as a tar does"),
        (PLAIN[:124] + b"\x80" + PLAIN[125:], "damaged"),
        (PLAIN[:100] + b"7" + PLAIN[101:], "damaged"),
    ],
)
def test_damaged_tars(text, why):
    assert unpack(gzip.compress(PLAIN)) == {"file": b"x" * 600}
    with pytest.raises(Refused, match=why):
        unpack(gzip.compress(text))


def test_sizes_beyond_the_file_and_below_nothing():
    for size in (8**11 - 1, -1):
        header = member()[0]
        header.size = 0
        block = bytearray(header.tobuf(tarfile.USTAR_FORMAT))
        block[124:136] = f"{size:011o}\0".encode() if size > 0 else b"-0000000001\0"
        block[148:156] = b" " * 8
        block[148:156] = f"{sum(block):06o}\0 ".encode()
        with pytest.raises(Refused, match=r"cut off|a number in a header is none"):
            unpack(gzip.compress(bytes(block) + bytes(1024)))


def test_bombs(monkeypatch):
    with pytest.raises(Refused, match="unpacks to more than"):  # by the ratio, whatever the limit
        unpack(gzip.compress(tar(member(data=bytes(2_000_000))), 9))
    monkeypatch.setattr(archive, "MAX_BYTES", 10_000)
    with pytest.raises(Refused, match="more than 10,000 bytes"):
        unpack(pack({"file": bytes(range(256)) * 50}))
    monkeypatch.setattr(archive, "MAX_BYTES", 10**6)
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    with pytest.raises(Refused, match="more than 3 files"):
        unpack(pack({f"file{number}": b"" for number in range(4)}))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(gzip.compress(PLAIN)[:-9], id="cut short"),
        pytest.param(gzip.compress(PLAIN) + b"x", id="more behind"),
    ],
)
def test_what_is_no_gzip(data):
    with pytest.raises(Refused, match="the archive"):
        unpack(data)
