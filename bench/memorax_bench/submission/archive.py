"""Packed submissions: a tar of plain files, gzipped; the same bytes for the same files.

Only what `pack` writes is read. There is no member that is not a plain file, no name that leads elsewhere or stands
twice, no header of an extension, and never more is unpacked than `MAX_BYTES`; nothing is written to any disk.
"""

import gzip
import io
import re
import tarfile
from collections.abc import Iterator, Mapping

from memorax_bench.records.bounded import gunzip
from memorax_bench.submission.findings import Refused
from memorax_bench.submission.words import printable

MAX_PACKED = 64 * 2**20
MAX_BYTES = 256 * 2**20  # unpacked; committed results are below 50 MB
MAX_RATIO = 100  # unpacked to packed; records come to less than 10
MAX_FILES = 50_000

_BLOCK, _RECORD = 512, 20 * 512
_NAME = re.compile(rb"(?!\.)[a-z0-9._-]{1,100}(/(?!\.)[a-z0-9._-]{1,100}){0,7}")  # no `..`, nothing hidden


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, by name. Raises ValueError for a name that could not be read again."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            if not _NAME.fullmatch(name.encode()):
                raise ValueError(f"{name!r} is no name for a file of a submission")
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(text.getvalue(), compresslevel=9, mtime=0)


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of an archive, by name. Raises Refused."""
    try:
        tar = gunzip(data, min(MAX_BYTES, max(2**20, MAX_RATIO * len(data))))
    except ValueError as error:
        raise Refused(f"the archive: {error}") from error
    files: dict[str, bytes] = {}
    for name, content in _members(tar):
        if name in files:
            raise Refused(f"the archive: {name} stands twice")
        if len(files) == MAX_FILES:
            raise Refused(f"the archive: more than {MAX_FILES:,} files")
        files[name] = content
    return files


def _members(tar: bytes) -> Iterator[tuple[str, bytes]]:
    """The names and contents of a tar of the form `ustar` (POSIX 1988) that has plain files only."""
    place = 0
    while (header := tar[place : place + _BLOCK]).strip(b"\0"):
        name, size = _header(header)
        content = tar[place + _BLOCK : place + _BLOCK + size]
        if len(content) < size:
            raise Refused(f"the archive: {name} is cut off")
        yield name, content
        place += _BLOCK + -(-size // _BLOCK) * _BLOCK
    if len(header) < _BLOCK or tar[place:].strip(b"\0") or len(tar) - place > 2 * _BLOCK + _RECORD:
        raise Refused("the archive: it does not end as a tar does")


def _header(header: bytes) -> tuple[str, int]:
    """The name and size of a member."""
    name, prefix = header[:100].rstrip(b"\0"), header[345:500].rstrip(b"\0")
    full = prefix + b"/" + name if prefix else name
    shown = printable(full.decode("latin-1"))
    blank = header[:148] + b" " * 8 + header[156:]
    if len(header) < _BLOCK or header[257:265] != b"ustar\x0000" or _octal(header[148:156]) != sum(blank):
        raise Refused(f"the archive: damaged, or no tar of the form ustar, at {shown!r}")
    if header[156:157] != b"0" or header[157:257].strip(b"\0"):
        raise Refused(f"the archive: {shown} is not a plain file")
    if not _NAME.fullmatch(full):
        raise Refused(f"the archive: {shown!r} is no name for a file of a submission")
    return full.decode("ascii"), _octal(header[124:136])


def _octal(field: bytes) -> int:
    digits = field.rstrip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,11}", digits):
        raise Refused("the archive: a number in a header is none")
    return int(digits, 8)
