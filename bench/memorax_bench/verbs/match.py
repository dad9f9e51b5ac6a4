"""The verb `match`."""

from collections.abc import Sequence

from memorax.registry import SEQUENCE_MODELS
from memorax_bench.alignment import columns
from memorax_bench.errors import Problem, UsageProblems, did_you_mean
from memorax_bench.measured.matched import (
    INPUTS,
    MATCHED_FILE,
    TRACKS,
    UNIT,
    Match,
    encode_matches,
    flow,
    load_matches,
    rows,
    track_text,
)
from memorax_bench.suite.load import suites_folder
from memorax_bench.suite.user_torso import is_user_path, read_user_torso


def match_torsos(names: Sequence[str]) -> str:
    """What to print: the shipped matches, or those of the torsos asked for, on every track."""
    found = _found(names) if names else load_matches()
    parts = [
        "\n".join([f"{TRACKS[track]:,} {UNIT[track]}, reading {INPUTS} numbers", columns(rows(matches.items()))])
        for track, matches in found.items()
    ]
    if names:
        name, match = next(iter(found["parameters"].items()))
        label = name.partition(":")[0].rpartition(".")[2].lower() if is_user_path(name) else name
        what = flow({**({"type": name} if label != name else {}), **match.settings})
        parts.append(f"beside the others: memorax-bench run suite=memory '+torsos.my-{label}={what}'")
    return "\n\n".join(parts)


def write_matches() -> str:
    """Replaces the shipped files; says which."""
    from memorax_bench.measured.matching import matches

    tracks = {track: dict(matches(track)) for track in TRACKS}
    files = {MATCHED_FILE: encode_matches(tracks)}
    for track, found in tracks.items():
        files[suites_folder() / "torsos" / f"{track}.yaml"] = track_text(track, found)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    return f"written: {', '.join(map(str, files))}"


def _found(names: Sequence[str]) -> dict[str, dict[str, Match]]:
    paths = {name: _path(name) for name in names}

    from memorax.registry import resolve
    from memorax_bench.measured.matching import match

    try:
        return {track: {name: match(resolve(path), track) for name, path in paths.items()} for track in TRACKS}
    except ValueError as error:
        raise UsageProblems([Problem(str(error))]) from None


def _path(name: str) -> str:
    """`module:Class` of a torso that has `features`."""
    if not is_user_path(name):
        if name not in SEQUENCE_MODELS:
            allowed = [*SEQUENCE_MODELS, "your_module:Class"]
            raise UsageProblems([Problem(f"no torso '{name}'", allowed=allowed, fix=did_you_mean(name, allowed))])
        return SEQUENCE_MODELS[name]
    read = read_user_torso(name)
    if isinstance(read, Problem):
        raise UsageProblems([read])
    if "features" not in read.fields:
        raise UsageProblems(
            [Problem(f"{name} has no setting 'features' to be matched", fix="call the width of its output so")]
        )
    return name
