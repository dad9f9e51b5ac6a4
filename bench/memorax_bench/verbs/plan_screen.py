"""The words of `memorax-bench plan`."""

from collections.abc import Iterable, Sequence

from memorax_bench.records.pooling import seed_ranges
from memorax_bench.running.plan import Action, Plan, counts


def render(plan: Plan) -> str:
    """The whole screen, without a final newline."""
    lines = [_headline(plan), *_table(plan.actions)]
    lines += [f" n/a  {pair.name}: {pair.reason}" for pair in plan.suite.not_applicable]
    lines.append(_summary(plan))
    lines += [f"warning: {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def duration(seconds: float | None) -> str:
    """`0:24`, `1:02:03`; `?` where not known."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _headline(plan: Plan) -> str:
    suite = plan.suite
    numbers = [len({cell.labels[axis] for cell in suite.cells}) for axis in range(3)]
    sizes = zip((*numbers, len(suite.seeds)), ("task", "algorithm", "torso", "seed"), strict=True)
    size = " x ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in sizes)
    published = f"{suite.name}@{suite.version}"
    if suite.frozen_changed:
        note = f"frozen part changed: kept and reported apart from {published}"
    elif suite.version == 0:
        note = "draft: never ranked"
    else:
        note = f"frozen part unchanged: ranks with {published}"
    return f"{suite.label}  {size}  ({note})"


def _table(actions: Sequence[Action]) -> Iterable[str]:
    rows = [("cell", "", "action", "seeds", "reason", "est.")]
    for action in actions:
        cell = action.cell
        seeds = seed_ranges(action.seeds) if action.to_do else "-"
        estimate = duration(action.estimate) if action.to_do else "-"
        name = f"{cell.algorithm_label}/{cell.torso_label}"
        rows.append((cell.task_label, name, action.action, seeds, action.reason, estimate))
    yield from aligned(rows)


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Lines of columns as wide as their widest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield " " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _summary(plan: Plan) -> str:
    parts = [f"{len(plan.actions)} cell{'' if len(plan.actions) == 1 else 's'}: {counts(plan.actions)}"]
    groups = plan.compile_groups
    if groups:
        parts.append(f"{groups} compile group{'' if groups == 1 else 's'}")
        parts.append(_about(plan.estimate))
    if plan.evaluation_share is not None:
        parts.append(f"evaluation {plan.evaluation_share:.0%} of steps")
    return "; ".join(parts)


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "time unknown until a like cell has run"
    return f"about {seconds:.0f} s" if seconds < 60 else f"about {seconds / 60:.0f} min"
