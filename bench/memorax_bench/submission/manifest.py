"""manifest.json: what a submission is about, its files and their hashes; the hash of all of them."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from memorax_bench.identity import sha256_json
from memorax_bench.records.plain_json import load_json
from memorax_bench.records.record import Sha256, SuiteRef
from memorax_bench.submission.findings import Refused
from memorax_bench.suite.schema import Closed

FILE = "manifest.json"
MAX_BYTES = 16 * 2**20

Name = Annotated[str, StringConstraints(max_length=256)]


class Manifest(Closed):
    """`files` maps each file's name to the sha256 of its bytes."""

    schema_version: Literal[1] = Field(alias="schema", default=1)
    suite: SuiteRef
    files: dict[Name, Sha256]


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of the file, one line a file."""
    plain = manifest.model_dump(mode="json", by_alias=True)
    lines = ",\n".join(f" {json.dumps(name)}:{json.dumps(plain['files'][name])}" for name in sorted(plain["files"]))
    head = "".join(f"{json.dumps(key)}:{json.dumps(plain[key])},\n" for key in ("schema", "suite"))
    return f'{{\n{head}"files":{{\n{lines}\n}}\n}}\n'.encode()


def decode_manifest(data: bytes) -> Manifest:
    """Raises Refused."""
    if len(data) > MAX_BYTES:
        raise Refused(f"{FILE}: larger than {MAX_BYTES:,} bytes")
    try:
        return Manifest.model_validate(load_json(data))
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise Refused(f"{FILE}: {error}") from error


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """The sha256 of each file."""
    return {name: sha256(files[name]).hexdigest() for name in sorted(files)}


def submission_hash(found: Mapping[str, str]) -> str:
    """The identity of what is submitted: of the hashes of all files, wherever they lie and however they are packed."""
    return sha256_json(sorted(found.values()))
