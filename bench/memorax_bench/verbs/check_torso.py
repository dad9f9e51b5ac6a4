"""The verb `check-torso`: does a torso keep its laws, and what does it cost?"""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memorax.registry import SEQUENCE_MODELS, resolve
from memorax_bench.alignment import columns
from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.entries import TORSOS, Entry, is_width, read_torso
from memorax_bench.suite.yaml_source import Findings, KeyPath, Origin, parse_flow

WIDTH = 64  # of a torso whose features are not given
MEANING = {  # of a law that does not hold, for an agent
    "carry_keeps_form": "no agent can keep this memory: it has to be of one form in every step and episode",
    "step_equals_sequence": "it acts differently from how it learns: a step computes something else than a sequence",
    "chunks_equal_sequence": "it acts differently from how it learns: memory is lost or changed where rollouts are cut",
    "reset_equals_fresh": "memory leaks from one episode into the next: what it does depends on episodes that are over",
    "causal": "it learns from what it cannot know when it acts: outputs depend on later inputs",
    "strategies_agree": "it learns something else on another device or length: its scans or their gradients disagree",
    "finite_after_long": "memory overflows in an episode of 10,000 steps: the agent's outputs are no numbers any more",
    "finite_for_large": "inputs of 1,000 overflow outputs or gradients: one such observation ends learning for good",
    "bfloat16": "it cannot learn in bfloat16: the memory loses its dtype or the outputs their precision",
    "seeds_equal_single": "a seed's result depends on the seeds trained beside it: seeds are no repetitions",
    "compiles_once": "calls compile again: what it returns as memory is of another type than what it begins with",
}
KIND = {  # by wrapper
    "rnn": "recurrent cell, scanned over time by RNN",
    "memoroid": "memoroid cell, run over time by Memoroid",
    "memoryless": "no memory: a module of x alone, which treats each step by itself",
    None: "sequence model, used as it is",
}


def check_torso(type_name: str, arguments: Sequence[str], say: Callable[[str], None]) -> tuple[str, bool]:
    """What to print, and whether every law holds. `arguments` are `setting=value`; `say` is told the progress.

    Raises UsageProblems for what is no torso, and for settings that it does not have or refuses.
    """
    # Laws are of a function, not of a device; and those who train on an accelerator need its memory.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    entry = _read(type_name, arguments)
    settings = entry.settings({}, WIDTH)
    source = _import(type_name)

    from memorax.networks.sequence_models.base import wrapper_of
    from memorax_bench.cell import device, torso_laws

    torso = _build(entry, settings)
    device.use_compilation_cache()
    rows = list(torso_laws.measure(torso, source, say))
    facts = _facts(entry, settings, wrapper_of(source), torso_laws.cost(torso), torso_laws.INPUTS)
    laws = list(dict.fromkeys(row.law for row in rows))
    broken = list(dict.fromkeys(row.law for row in rows if not row.holds))
    end = f"FAIL: {len(broken)} of {len(laws)} laws broken" if broken else f"all {len(laws)} laws hold"
    return "\n\n".join([_table(rows), *_failures(rows), facts, end]), not broken


def _read(type_name: str, arguments: Sequence[str]) -> Entry:
    """The torso as a suite would read it, with the arguments as its settings."""
    where: KeyPath = (*TORSOS, type_name)
    values: dict[str, Any] = {}
    origins = {where: Origin(f"argument {type_name}")}
    problems: list[Problem] = []
    for argument in arguments:
        name, separator, text = argument.partition("=")
        said = f"argument {argument}"
        if not separator or not name:
            problems.append(Problem("not a setting", said, allowed="name=value, such as features=64"))
        elif name in values:
            problems.append(Problem("given twice", said, fix=f"write one {name}="))
        else:
            values[name], found = parse_flow(text, said)
            problems.extend(found)
            origins[(*where, name)] = Origin(said)
    findings = Findings(origins, problems)
    read = read_torso(where, values, type_name, load_catalogue(), findings)
    if read is None or findings.problems:
        raise UsageProblems(findings.problems)
    return Entry(type_name, type_name, *read)


def _import(type_name: str) -> type:
    """The class, if it can be a torso; a user's own module runs here for the first time."""
    import flax.linen as nn

    from memorax_bench.cell.torso_laws import first_line

    said = f"argument {type_name}"
    try:
        source = resolve(SEQUENCE_MODELS.get(type_name, type_name))
    except Exception as error:
        problem = Problem(f"its module cannot be imported: {first_line(error)}", said, fix="python has to import it")
        raise UsageProblems([problem]) from None
    if not (isinstance(source, type) and issubclass(source, nn.Module)):
        bases = "flax.linen.RNNCellBase, memorax.networks.MemoroidCell or memorax.networks.SequenceModel"
        raise UsageProblems([Problem("no torso: it is not a flax module", said, fix=f"derive it from {bases}")])
    # flax does not refuse what is left abstract
    functions = inspect.getmembers_static(source, inspect.isfunction)
    missing = [name for name, function in functions if vars(function).get("__isabstractmethod__")]
    if missing:
        raise UsageProblems([Problem(f"it lacks {', '.join(missing)}", said, fix="docs/torsos.md says what each does")])
    return source


def _build(entry: Entry, settings: Mapping[str, Any]) -> Any:
    from memorax_bench.cell.build import build_torso
    from memorax_bench.cell.torso_laws import first_line

    try:
        return build_torso({"type": entry.type, "settings": settings})
    except ValueError as error:
        raise UsageProblems([Problem(str(error), f"argument {entry.type}")]) from None
    except Exception as error:  # of the user's own class
        problem = Problem(f"it cannot be built: {first_line(error)}", f"argument {entry.type}")
        raise UsageProblems([problem]) from None


def _table(rows: Sequence[Any]) -> str:
    lines = [("law", "strategy", "measured", "allowed", "")]
    for row in rows:
        measured = "error" if row.measured is None else _number(row.measured)
        lines.append((row.law, row.strategy, measured, _number(row.allowed), "pass" if row.holds else "FAIL"))
    if not any(row.strategy for row in rows):
        lines = [(law, *rest) for law, _, *rest in lines]
    return columns(lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.0e}"


def _failures(rows: Sequence[Any]) -> list[str]:
    """What each broken law means for an agent, and what was raised where, once for all laws."""
    measured = {row.law: row.error for row in rows if not row.holds and row.measured is not None}
    told = [f"{law}: {MEANING[law]}" + (f"\n  {why}" if why else "") for law, why in measured.items()]
    raised: dict[str, list[str]] = {}
    for row in rows:
        if row.measured is None and row.law not in raised.setdefault(row.error, []):
            raised[row.error].append(row.law)
    return told + [f"{', '.join(laws)}: raises, and so will an agent\n  {error}" for error, laws in raised.items()]


def _facts(entry: Entry, settings: Mapping[str, Any], wrapper: str | None, cost: Any, inputs: int) -> str:
    given = " ".join(f"{name}={'null' if value is None else value}" for name, value in settings.items())
    widths = [name for name, spec in entry.fields.items() if is_width(name, spec) and name not in entry.given]
    assumed = "".join(f" ({name} was not given)" for name in widths)
    lines = [
        ("torso", entry.type),
        ("settings", f"{given}{assumed}" if settings else "none"),
        ("kind", KIND[wrapper]),
    ]
    if cost is not None:
        lines += [
            ("parameters", f"{cost.parameters:,}, reading {inputs} inputs"),
            ("memory", f"{cost.state_bytes:,} bytes an environment"),
            ("one step", f"{cost.flops:,} floating-point operations"),
        ]
    return columns(lines)
