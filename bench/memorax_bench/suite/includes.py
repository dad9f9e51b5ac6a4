"""`entries.include`: entries shared by several suites, one level deep.

On the command line `include=[a.yaml,b.yaml]` names other files beside the suite in place of the suite's own, and
`+include=mine.yaml` one more, which lies in the working directory.
"""

from collections.abc import Sequence
from pathlib import Path

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.yaml_source import Findings, Origin, Source, parse_flow, read_yaml

_INSTEAD, _MORE = "include=", "+include="


def including(source: Source, overrides: Sequence[str]) -> tuple[Source, list[str]]:
    """The suite with the entries that it includes and those that the command line does; the other overrides."""
    asked = [text for text in overrides if text.startswith((_INSTEAD, _MORE))]
    for form in (_INSTEAD, _MORE):
        same = [text for text in asked if text.startswith(form)]
        if len(same) > 1:
            raise UsageProblems([Problem(f"given twice: {' '.join(same)}", fix=f"{form}[first.yaml,second.yaml]")])
    for text in sorted(asked, reverse=True):  # `include=` before `+include=`
        source = _told(source, text)
    return with_includes(source), [text for text in overrides if text not in asked]


def _told(source: Source, text: str) -> Source:
    """The suite, its `include` as an argument wants it."""
    form = _MORE if text.startswith(_MORE) else _INSTEAD
    names, problems = parse_flow(text.removeprefix(form), f"argument {text}")
    entries = source.tree.get("entries")
    entries = entries if isinstance(entries, dict) else {}
    if form == _MORE:
        own, more = (value if isinstance(value, list) else [value] for value in (entries.get("include", []), names))
        names = [*own, *(str(Path(name).absolute()) if isinstance(name, str) else name for name in more)]
    origins = {**source.origins, ("entries", "include"): Origin(f"argument {text}")}
    tree = {**source.tree, "entries": {**entries, "include": names}}
    return Source(tree, origins, (*source.problems, *problems))


def with_includes(source: Source) -> Source:
    """Merges the files of `entries.include` under the entries; what the suite says itself wins, label by label.

    An included file has the keys of `entries` at its top level and lies relative to the suite.
    """
    entries = source.tree.get("entries")
    if not isinstance(entries, dict) or "include" not in entries:
        return source
    findings = Findings(source.origins)
    where = ("entries", "include")
    names = [entries["include"]] if isinstance(entries["include"], str) else entries["include"]
    merged, origins, problems = dict(entries), dict(source.origins), list(source.problems)
    for name in names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []:
        file = Path(source.origins[()].file).parent / name
        if not file.is_file():
            findings.add(where, f"no file '{name}'", fix=f"it is looked for as {file}")
            continue
        included = read_yaml(file)
        problems += included.problems
        if "include" in included.tree:
            origin = included.origins[("include",)]
            message = "an included file cannot include another"
            problems.append(Problem(message, origin.file, origin.line, "include", fix="include both from the suite"))
        tree = {key: value for key, value in included.tree.items() if key != "include"}
        _merge(merged, tree, ("entries",), origins, {("entries", *key): at for key, at in included.origins.items()})
    return Source({**source.tree, "entries": merged}, origins, (*problems, *findings.problems))


def _merge(target: dict, extra: dict, path: tuple, origins: dict, extra_origins: dict) -> None:
    for key, value in extra.items():
        here = (*path, key)
        if key not in target:
            target[key] = value
            origins.update({at: origin for at, origin in extra_origins.items() if at[: len(here)] == here})
        elif key in ("algorithms", "torsos", "tuned") and isinstance(target[key], dict) and isinstance(value, dict):
            target[key] = dict(target[key])
            _merge(target[key], value, here, origins, extra_origins)
        elif key == "overrides" and isinstance(target[key], list) and isinstance(value, list):
            _append(target, value, here, origins, extra_origins)


def _append(target: dict, value: list, here: tuple, origins: dict, extra_origins: dict) -> None:
    """Included overrides come first, so that the suite's own win."""
    shift = len(value)
    own = {at: origins.pop(at) for at in list(origins) if at[: len(here)] == here and len(at) > len(here)}
    origins.update({(*here, at[len(here)] + shift, *at[len(here) + 1 :]): origin for at, origin in own.items()})
    origins.update({at: o for at, o in extra_origins.items() if at[: len(here)] == here and len(at) > len(here)})
    target["overrides"] = [*value, *target["overrides"]]
