"""Reading what others have sent: plain files only, never more bytes than were allowed for."""

import os
import stat
import zlib
from pathlib import Path


def read_plain_file(path: Path, limit: int) -> bytes:
    """The bytes of a file. Raises OSError where it cannot be read, ValueError where it is a link, a device, a pipe or
    a folder, or has more than `limit` bytes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        if path.is_symlink():
            raise ValueError("a link, which may lead anywhere") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a plain file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"larger than {limit:,} bytes")
    return data


def gunzip(data: bytes, limit: int) -> bytes:
    """What one gzip stream holds. Raises ValueError where it is none, is cut, has something behind it, or holds more
    than `limit` bytes, of which no more are unpacked."""
    stream = zlib.decompressobj(wbits=31)
    try:
        found = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise ValueError(f"not gzip: {error}") from error
    if len(found) > limit:
        raise ValueError(f"unpacks to more than {limit:,} bytes")
    if not stream.eof:
        raise ValueError("a gzip stream that is cut off")
    if stream.unused_data:
        raise ValueError("something lies behind the gzip stream")
    return found
