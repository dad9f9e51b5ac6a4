"""The record schema: the golden record holds for ever, and a record that contradicts itself is refused."""

import copy
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from memorax_bench.identity import config_hash, result_hash, suite_label
from memorax_bench.records import record as records
from memorax_bench.records.record import InvalidRecord, decode, dump, encode, read_record, record_schema, seal

GOLDEN = Path(__file__).parents[1] / "golden" / "record.json"
GOLDEN_RESULT_HASH = "77f04af892ababa7c12358b7dd2400e16d8109ad90a20bce98adda2e649a595d"
GOLDEN_DIGESTS = "53110d8bfeda65ca"


def golden() -> dict:
    return json.loads(GOLDEN.read_text())


def changed(path: str, value) -> dict:
    data = copy.deepcopy(golden())
    target = data
    *parents, last = path.split(".")
    for key in parents:
        target = target[key]
    target[last] = value
    return data


def test_golden_record_round_trips_byte_for_byte():
    record = read_record(GOLDEN)
    assert record.result_hash == GOLDEN_RESULT_HASH
    assert encode(record) == GOLDEN.read_bytes()
    sealed = seal({**golden(), "result_hash": None})
    assert sealed.model_copy(update={"leaf_digests": None}) == record  # the first records have none
    assert sha256(sealed.leaf_digests.encode()).hexdigest()[:16] == GOLDEN_DIGESTS


def test_volatile_does_not_enter_the_result_hash():
    record = seal(changed("volatile.created_utc", "2027-01-01T00:00:00Z"))
    assert record.result_hash == GOLDEN_RESULT_HASH
    assert seal(changed("steps_done", 1)).result_hash != GOLDEN_RESULT_HASH


def test_the_time_of_a_step_is_optional_and_enters_no_hash():
    record = seal(changed("volatile.timing.step", 1.5e-4))
    assert decode(encode(record)).volatile.timing.step == 1.5e-4
    assert record.result_hash == GOLDEN_RESULT_HASH
    assert "step" not in dump(read_record(GOLDEN))["volatile"]["timing"]


def test_integral_floats_do_not_change_the_hash():
    assert seal(changed("cost.flops_per_env_step.value", 417792)).result_hash == GOLDEN_RESULT_HASH


def test_record_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        read_record(GOLDEN).steps_done = 3


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", 2, "schema: "),
        ("surprise", 1, "surprise: Extra inputs"),
        ("status", "failed", "status: "),
        ("suite.name", "../etc", "suite.name: "),
        ("cell.track", "tuned", "cell.track: "),
        ("seeds", [1, 0, 2], "sorted"),
        ("seeds", [0, 0, 1], "each once"),
        ("seeds", [0, 1], "3 values for 2 seeds"),
        ("seed_batch", 2, "do not fit"),
        ("results.finite", [True, True, True], "null exactly where"),
        ("results.auc", [], "results.auc has 0"),
        ("rankable", False, "not_rankable_because"),
        ("cell.config", {}, "config_hash"),
        ("code.code_hash", "abc", "code.code_hash"),
        ("steps_done", 2**20 + 0.5, "steps_done"),
        ("steps_done", 0, "does not fit the contents"),
        ("volatile.steps_per_s", None, "volatile.steps_per_s"),
    ],
)
def test_invalid_record_is_refused(path, value, message):
    with pytest.raises(InvalidRecord, match=message):
        decode(json.dumps(changed(path, value)).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", GOLDEN.read_bytes().replace(b"0.96875", b"NaN", 1)])
def test_unreadable_bytes_are_refused(data):
    with pytest.raises(InvalidRecord):
        decode(data)


def test_missing_file_is_an_invalid_record(tmp_path):
    with pytest.raises(InvalidRecord, match="cannot be read"):
        read_record(tmp_path / "record.json")


def test_edited_number_is_noticed():
    with pytest.raises(InvalidRecord, match="result_hash"):
        decode(GOLDEN.read_bytes().replace(b"0.96875", b"0.99875", 1))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b"0.96875", b"0.99875", "results.final.0 = 0.99875 is not the value that was sealed"),
        (b'"features":64', b'"features":65', "cell.config.torso.settings.features = 65 is not"),
        (b'"seed_batch":4', b'"seed_batch":8', "seed_batch = 8 is not"),
        (b'"causal":{"pass":true', b'"causal":{"pass":false', "gates.causal.pass = False is not"),
    ],
)
def test_the_altered_value_is_named(old, new, named):
    data = {**golden(), "gates": {"causal": {"pass": True, "max_rel": 2e-7}}}
    written = encode(seal(data))
    assert decode(written).gates["causal"].passed
    with pytest.raises(InvalidRecord, match=re.escape(named)):
        decode(written.replace(old, new, 1))


def test_a_hash_made_anew_does_not_hide_an_altered_value():
    data = dump(seal(golden()))
    data["cost"]["temp_bytes"] = 1
    data["result_hash"] = result_hash(data)
    with pytest.raises(InvalidRecord, match=r"cost\.temp_bytes = 1 is not"):
        decode(json.dumps(data).encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 40 + b"]" * 40, "nested deeper than 32"),
        (b"[" * 1_000_000, "nested deeper than 32"),
        (b'{"schema":1,"schema":1}', "'schema' stands twice"),
        (b'{"schema":' + b"9" * 5000 + b"}", "larger than any number"),
        (b'{"schema":9223372036854775808}', "larger than any number"),
        (b'{"schema":-1e999}', "larger than any number"),
        (b'"' + b'\\"' * 500_000, "not JSON"),
    ],
)
def test_hostile_json_is_refused(data, why):
    with pytest.raises(InvalidRecord, match=why):
        decode(data)


def test_text_that_cannot_be_written_is_refused():
    data = {**golden(), "versions": {"python": "\ud800"}}
    with pytest.raises(InvalidRecord, match="surrogates"):
        decode(json.dumps(data).encode())


def test_json_schema_of_record():
    schema = record_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(golden())
    assert set(schema["properties"]) - set(golden()) == {"leaf_digests"}
    assert "pass" in schema["$defs"]["Gate"]["properties"]


def test_failure_and_adoption_round_trip():
    failure = records.Failure(
        run_id="0" * 16,
        config_hash="1" * 64,
        code_hash="2" * 64,
        device_kind="cpu",
        seeds=(0,),
        created_utc="2026-11-02T00:00:00Z",
        kind="out of memory",
        message="...",
    )
    assert records.decode_as(records.Failure, encode(failure)) == failure
    assert dump(failure)["schema"] == 1


@pytest.mark.parametrize(("published", "label"), [(None, "q@1"), ("abcdefgh12", "q@1"), ("other", "q@1+abcdefgh")])
def test_suite_label_shows_an_altered_frozen_part(published, label):
    assert suite_label("q", 1, "abcdefgh12", published) == label


def test_extrapolations_are_in_a_record_only_where_there_are_any():
    data = golden()
    elsewhere = {"2x": [None if final is None else 0.5 for final in data["results"]["final"]]}
    assert "extrapolation" not in dump(seal(data))["results"]
    with_some = seal(changed("results.extrapolation", elsewhere))
    assert with_some.result_hash != GOLDEN_RESULT_HASH
    assert decode(encode(with_some)) == with_some
    assert dump(with_some)["results"]["extrapolation"] == elsewhere
    for wrong in ([0.5], [0.5] * 9, [None] * len(elsewhere["2x"])):
        with pytest.raises(InvalidRecord, match=r"extrapolation\.2x must have a value exactly where"):
            seal(changed("results.extrapolation", {"2x": wrong}))


# --- tracks ---

TUNING = {
    "trials": 4,
    "seeds": [1_000_000, 1_000_001],
    "env_steps": 3_145_728,
    "suite": "tuning@1",
    "benchmark_hash": "a" * 64,
    "scores": {"0.0001": 0.1, "0.0003": 0.5, "0.001": 0.49, "0.003": 0.2},
}


def on_track(track: str, rate: float = 3e-4, **tuning) -> dict:
    data = golden()
    data["cell"]["config"]["algorithm"] = {"type": "ppo", "settings": {"learning_rate": rate}}
    data["cell"]["config_hash"] = config_hash(data["cell"]["config"])
    data["cell"] |= {"track": track, "tuning": {name: value for name, value in tuning.items() if value is not None}}
    return data


def test_a_record_on_lr4_says_what_was_tried_and_one_on_fixed_nothing():
    record = seal(on_track("lr4", **TUNING))
    assert decode(encode(record)) == record
    assert record.cell.tuning.scores == {1e-4: 0.1, 3e-4: 0.5, 1e-3: 0.49, 3e-3: 0.2}
    assert dump(record)["cell"]["tuning"] == TUNING
    seal(on_track("lr4", 1e-3, **TUNING))  # as good, within the noise
    opened = seal(on_track("open", 1.0, trials=40, seeds=[7], env_steps=10**6))
    assert dump(opened)["cell"]["tuning"] == {"trials": 40, "seeds": [7], "env_steps": 10**6}
    assert "tuning" not in dump(read_record(GOLDEN))["cell"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (on_track("fixed", **TUNING), "exactly where cell.track is not fixed"),
        (changed("cell.track", "open"), "exactly where cell.track is not fixed"),
        (on_track("lr4", **{**TUNING, "scores": None}), "must have scores, suite and benchmark_hash"),
        (on_track("lr4", **{**TUNING, "suite": None}), "must have scores, suite and benchmark_hash"),
        (on_track("lr4", 3e-3, **TUNING), "learning_rate of cell.config is not the best"),
        (on_track("lr4", 5e-4, **TUNING), "learning_rate of cell.config is not the best"),
        (on_track("lr4", **{**TUNING, "seeds": [2, 7]}), "seed 2 was used to find the settings"),
        (on_track("lr4", **{**TUNING, "trials": 0}), "cell.tuning.trials"),
        (on_track("lr4", **{**TUNING, "surprise": 1}), "cell.tuning.surprise"),
    ],
)
def test_a_record_that_contradicts_its_track_is_refused(data, message):
    with pytest.raises(InvalidRecord, match=message):
        seal(data)
