"""What is read of a submission or a results folder, and what is refused in reading."""

import gzip
import json
import os

import pytest

from fixtures.submissions import rewrite
from memorax_bench.errors import UsageProblems
from memorax_bench.records.curves import FILE as CURVES
from memorax_bench.records.record import dump, read_record
from memorax_bench.submission import reading
from memorax_bench.submission.archive import pack, unpack
from memorax_bench.submission.findings import Refused
from memorax_bench.submission.reading import read_packed, read_submission

MANIFEST = "manifest.json"


def said(submission) -> str:
    return "\n".join(f"{found.place} {found}" for found in submission.findings)


def test_packed_or_not_it_is_the_same_submission(filled, tmp_path):
    file = tmp_path / "x.tar.gz"
    file.write_bytes(filled.packed)
    packed, folder = read_submission(file), read_submission(filled.results)
    assert packed.hash == folder.hash and not packed.findings and not folder.findings
    assert {item.record.run_id for item in packed.found} == {item.record.run_id for item in folder.found}
    assert packed.count == folder.count == len(filled.folders) == 4
    assert read_submission(filled.results / filled.suite.label).hash == folder.hash


def test_the_hash_is_of_all_that_is_submitted(filled):
    before = read_submission(filled.results).hash
    record = dump(read_record(filled.folders[0] / "record.json"))
    record["volatile"]["machine_label"] = "other"
    rewrite(filled.folders[0], record)
    assert read_submission(filled.results).hash != before


def test_nothing_there(tmp_path):
    with pytest.raises(UsageProblems, match="there is no"):
        read_submission(tmp_path / "nowhere")
    assert read_submission(tmp_path).count == 0


def repacked(packed: bytes, change) -> bytes:
    files = unpack(packed)
    change(files)
    return pack(files)


def altered_file(files: dict) -> None:
    name = next(name for name in files if name.endswith("record.json"))
    files[name] = files[name].replace(b"cpu", b"gpu")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files.pop(MANIFEST), "it has no manifest.json"),
        (lambda files: files.pop(next(reversed(files))), "which is missing"),
        (lambda files: files.update({"extra/record.json": b"{}"}), "is not the file that manifest.json lists"),
        (altered_file, r"record\.json is not the file that manifest.json lists"),
        (lambda files: files.update({MANIFEST: b"["}), "manifest.json: not JSON"),
        (lambda files: files.update({MANIFEST: b"[]"}), "manifest.json: "),
        (lambda files: files.update({MANIFEST: b"[" * 100}), "nested deeper"),
        (lambda files: files.update({MANIFEST: files[MANIFEST].replace(b'"schema":1', b'"schema":2')}), "schema"),
    ],
)
def test_manifests_that_lie(filled, change, why):
    with pytest.raises(Refused, match=why):
        read_packed("x", repacked(filled.packed, change))


def test_a_file_that_is_too_large_to_be_one(filled, tmp_path, monkeypatch):
    file = tmp_path / "x.tar.gz"
    file.write_bytes(filled.packed)
    monkeypatch.setattr(reading.archive, "MAX_PACKED", 100)
    with pytest.raises(Refused, match="larger than 100 bytes"):
        read_submission(file)


def test_links_and_pipes_in_a_folder_are_not_followed(filled, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    record, curves = filled.folders[0] / "record.json", filled.folders[1] / CURVES
    record.unlink()
    record.symlink_to(secret)
    curves.unlink()
    os.mkfifo(curves)
    told = said(read_submission(filled.results))
    assert "record.json: a link" in told and f"{CURVES}: not a plain file" in told and "a secret" not in told


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("record.json", b"{", "not JSON"),
        ("record.json", b"x" * (2**20 + 1), "record.json: larger than 1,048,576 bytes"),
        (CURVES, gzip.compress(b"seed", mtime=0), "results.curves.sha256: not that of curves.csv.gz"),
        ("adopted.json", b"{}", "adoptions"),
    ],
)
def test_files_that_are_none(filled, name, data, why):
    (filled.folders[0] / name).write_bytes(data)
    submission = read_submission(filled.results)
    assert why in said(submission) and submission.count == 4


def test_a_record_in_the_wrong_place(filled):
    folder = filled.folders[0]
    folder.rename(folder.with_name("0" * 16))
    assert "the record is about" in said(read_submission(filled.results))


def test_records_of_another_suite_than_the_manifest_says(filled):
    def change(files):
        manifest = json.loads(files[MANIFEST])
        manifest["suite"]["version"] = 7
        files[MANIFEST] = json.dumps(manifest).encode()

    assert "not that of manifest.json, smoke@7" in said(read_packed("x", repacked(filled.packed, change)))


def test_missing_curves(filled):
    (filled.folders[0] / CURVES).unlink()
    assert "results.curves.file: the curves are to be in curves.csv.gz" in said(read_submission(filled.results))
