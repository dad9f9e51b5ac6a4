"""What the command line may say about a suite.

    torsos=[a,b]   torsos=a          select labels, or registry entries with their defaults (also tasks=, algorithms=)
    torsos.gru.features=128          set a value; so do seeds=5, seeds=[3,4], protocol.total_env_steps=1e6
    +torsos.mine=pkg.mod:Cell        add an entry; or with settings: '+torsos.mine={type: pkg.mod:Cell, features: 64}'
    ~torsos.mlp                      leave one out

`seeds`, `network`, `algorithms`, `torsos`, `overrides`, `track` and `tuning` stand for `entries.seeds` and so on.
Values are read as in the file. Additions come first, then values, then selections, whatever their order on the line.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from memorax_bench.errors import Problem, did_you_mean
from memorax_bench.identity import is_slug
from memorax_bench.suite.yaml_source import KeyPath, Origin, parse_flow

AXES: Mapping[str, KeyPath] = {
    "tasks": ("tasks",),
    "algorithms": ("entries", "algorithms"),
    "torsos": ("entries", "torsos"),
}
_ENTRY_KEYS = ("seeds", "network", "algorithms", "torsos", "overrides", "track", "tuning")
_SECTIONS = ("protocol", "tasks", "scoring", "rankings", "entries")
_FIXED = ("schema", "name", "version", "description")
_FORMS = "key=value, axis=[a,b], +axis.label=value or ~axis.label"


@dataclass(frozen=True)
class Selection:
    """What the command line chose on one axis: `chosen` (None: all) in that order, less `removed`.

    `named` are the labels asked for by name.
    """

    chosen: tuple[str, ...] | None = None
    removed: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()

    def apply(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels that remain."""
        start = tuple(labels) if self.chosen is None else self.chosen
        return tuple(label for label in start if label not in self.removed)


@dataclass(frozen=True)
class Overridden:
    """A tree with the arguments applied, the origins of its values, the selection per axis, and what was wrong."""

    tree: dict
    origins: Mapping[KeyPath, Origin]
    selections: Mapping[str, Selection]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Argument:
    text: str
    kind: str  # add | set | select | remove
    key: str
    value: object = None

    def problem(self, message: str, allowed=None, fix: str | None = None) -> Problem:
        return Problem(message, f"argument {self.text}", None, self.key, self.value, allowed, fix)


@dataclass
class _State:
    tree: dict
    origins: dict[KeyPath, Origin]
    registry: Mapping[str, Iterable[str]]
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    removed: dict[str, set[str]] = field(default_factory=lambda: {axis: set() for axis in AXES})
    named: dict[str, set[str]] = field(default_factory=lambda: {axis: set() for axis in AXES})
    given: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def labels(self, axis: str) -> dict:
        entries = _get(self.tree, AXES[axis])
        return entries if isinstance(entries, dict) else {}

    def put(self, path: KeyPath, value: object, argument: _Argument) -> None:
        if path in self.given:
            self.problems.append(argument.problem(f"given twice, first by {self.given[path]}"))
            return
        self.given[path] = argument.text
        target = self.tree
        for part in path[:-1]:
            target = target.setdefault(part, {})
            if not isinstance(target, dict):
                self.problems.append(argument.problem(f"'{part}' is a single value and has no keys"))
                return
        target[path[-1]] = value
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]
        self.origins[path] = Origin(f"argument {argument.text}")


def apply_overrides(
    tree: dict, origins: Mapping[KeyPath, Origin], arguments: Sequence[str], registry: Mapping[str, Iterable[str]]
) -> Overridden:
    """Applies command-line arguments to a suite's tree of strings (which is left as it is).

    `registry` gives per axis the names that may be selected without being in the suite.
    """
    state = _State(copy.deepcopy(tree), dict(origins), registry)
    parsed = [_parse(text, state.problems) for text in arguments]
    order = (("add", _add), ("select", _select), ("set", _set), ("remove", _remove))
    for kind, action in order:
        for argument in parsed:
            if argument is not None and argument.kind == kind:
                action(argument, state)
    selections = {
        axis: Selection(state.chosen.get(axis), frozenset(state.removed[axis]), frozenset(state.named[axis]))
        for axis in AXES
    }
    return Overridden(state.tree, state.origins, selections, tuple(state.problems))


def _parse(text: str, problems: list[Problem]) -> _Argument | None:
    file = f"argument {text}"
    if text.startswith("~"):
        if "=" not in text:
            return _Argument(text, "remove", text[1:])
        problems.append(Problem("'~' removes a label and takes no value", file, fix=f"write {text.split('=')[0]}"))
        return None
    key, separator, value_text = text.removeprefix("+").partition("=")
    if not separator or not key:
        problems.append(Problem("not an override", file, allowed=_FORMS))
        return None
    value, found = parse_flow(value_text, file)
    problems.extend(found)
    if found:
        return None
    if text.startswith("+"):
        return _Argument(text, "add", key, value)
    axis = key.removeprefix("entries.")
    kind = "select" if axis in AXES else "set"
    return _Argument(text, kind, axis if kind == "select" else key, value)


def _add(argument: _Argument, state: _State) -> None:
    axis, _, label = argument.key.removeprefix("entries.").partition(".")
    if axis not in AXES or not label:
        state.problems.append(argument.problem("'+' adds a task, algorithm or torso", fix="write +torsos.label=value"))
    elif not is_slug(label):
        message = f"'{label}' cannot be a label: lower-case letters, digits, '.', '_' and '-'"
        state.problems.append(argument.problem(message))
    elif label in state.labels(axis):
        fix = f"to change it, leave out the '+': {axis}.{label}.key=value"
        state.problems.append(argument.problem(f"{axis} has '{label}' already", fix=fix))
    else:
        value = {"type": argument.value} if isinstance(argument.value, str) and axis != "tasks" else argument.value
        state.put((*AXES[axis], label), value, argument)
        state.named[axis].add(label)


def _select(argument: _Argument, state: _State) -> None:
    axis = argument.key
    labels = [argument.value] if isinstance(argument.value, str) else argument.value
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
        fix = f"write {axis}=[a,b]; to set a value, {axis}.label.key=value; to add, +{axis}.label=value"
        state.problems.append(argument.problem(f"{axis}= selects labels", fix=fix))
        return
    if axis in state.chosen:
        state.problems.append(argument.problem(f"{axis}= is given twice", fix=f"write one {axis}=[a,b]"))
        return
    known = state.labels(axis)
    offered = state.registry.get(axis, ())
    for label in labels:
        if label in known:
            continue
        if label in offered:
            state.put((*AXES[axis], label), {}, argument)
            continue
        allowed = [*known, *(name for name in offered if name not in known)]
        fix = did_you_mean(label, allowed)
        if ":" in label and axis != "tasks":
            fix = f"to add your own: +{axis}.mine={label}"
        elif "," in label:
            fix = f"write {axis}=[{label}]"
        state.problems.append(argument.problem(f"no {axis[:-1]} '{label}'", allowed, fix))
    state.chosen[axis] = tuple(dict.fromkeys(labels))
    state.named[axis].update(labels)


def _set(argument: _Argument, state: _State) -> None:
    path = _path(argument, state)
    if path is not None:
        state.put(path, argument.value, argument)


def _remove(argument: _Argument, state: _State) -> None:
    axis, _, label = argument.key.removeprefix("entries.").partition(".")
    if axis not in AXES or not label:
        fix = f"write ~torsos.label; not {argument.key}"
        state.problems.append(argument.problem("'~' leaves out a task, algorithm or torso", fix=fix))
    elif label not in state.labels(axis):
        known = list(state.labels(axis))
        state.problems.append(argument.problem(f"no {axis[:-1]} '{label}'", known, did_you_mean(label, known)))
    else:
        state.removed[axis].add(label)


def _path(argument: _Argument, state: _State) -> KeyPath | None:
    """The full path of a key such as `torsos.gru.features`; a label may contain dots."""
    parts = argument.key.split(".")
    if parts[0] in _FIXED:
        fix = "copy the suite file and edit it there"
        state.problems.append(argument.problem(f"'{parts[0]}' cannot be set from the command line", fix=fix))
        return None
    if parts[0] in _ENTRY_KEYS:
        parts = ["entries", *parts]
    if parts[0] not in _SECTIONS or (parts[0] == "entries" and len(parts) > 1 and parts[1] not in _ENTRY_KEYS):
        allowed = [*_SECTIONS, *_ENTRY_KEYS]
        word = parts[1] if parts[0] == "entries" else parts[0]
        state.problems.append(argument.problem(f"unknown key '{word}'", allowed, did_you_mean(word, allowed)))
        return None
    if len(parts) == 1:
        state.problems.append(argument.problem(f"'{parts[0]}' is a section", fix=f"write {parts[0]}.key=value"))
        return None
    for axis, prefix in AXES.items():
        if tuple(parts[: len(prefix)]) == prefix:
            return _entry_path(axis, ".".join(parts[len(prefix) :]), argument, state)
    return tuple(parts)


def _entry_path(axis: str, rest: str, argument: _Argument, state: _State) -> KeyPath | None:
    known = state.labels(axis)
    fits = [label for label in known if rest == label or rest.startswith(f"{label}.")]
    if not fits:
        label = rest.partition(".")[0]
        fix = did_you_mean(label, known) or f"to add it: +{axis}.{label}=..."
        state.problems.append(argument.problem(f"no {axis[:-1]} '{label}'", list(known), fix))
        return None
    label = max(fits, key=len)
    remainder = rest[len(label) + 1 :]
    return (*AXES[axis], label, *(remainder.split(".") if remainder else ()))


def _get(tree: object, path: KeyPath) -> object:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
