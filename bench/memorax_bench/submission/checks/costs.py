"""Costs: what is known of a torso without building it, and what cannot be."""

from collections.abc import Mapping
from typing import Any

from memorax_bench.measured.matched import INPUTS, OBSERVED, Match, load_matches
from memorax_bench.submission.checks.subject import Subject, section, whole
from memorax_bench.submission.findings import Said
from memorax_bench.suite.catalogue import load_catalogue

COUNTERS = ("jaxpr@1",)
_TORSOS = 3  # that one agent has at most: an actor's and two critics'


def costs(subject: Subject) -> Said:
    """Parts are smaller than the whole; a torso at a width of `matched.json` costs what stands there."""
    cost = subject.record.cost
    if cost.torso_parameters > cost.parameters:
        yield "cost.torso_parameters", f"{cost.torso_parameters:,}, more than the whole agent has: {cost.parameters:,}"
    flops = cost.flops_per_env_step
    if flops is not None and flops.by not in COUNTERS:
        yield "cost.flops_per_env_step.by", f"{flops.by}; counters known here: {', '.join(COUNTERS)}"
    if flops is not None and flops.value < 0:
        yield "cost.flops_per_env_step.value", f"{flops.value} is no number of operations"
    match = _match(subject.config)
    if match is None:
        return
    such = " with " + ", ".join(f"cell.config.torso.settings.{name} = {v}" for name, v in match.settings.items())
    if cost.torso_parameters != match.parameters:
        yield "cost.torso_parameters", f"{cost.torso_parameters:,}; {match.parameters:,} are those of a torso{such}"
    if cost.state_bytes not in [match.state_bytes * torsos for torsos in range(1, _TORSOS + 1)]:
        yield "cost.state_bytes", f"{cost.state_bytes:,}; {match.state_bytes:,} are those of a torso{such}"
    if flops is not None and flops.value < match.flops:
        yield "cost.flops_per_env_step.value", f"{flops.value:,.0f}; one forward step alone takes {match.flops:,}"


def torso_inputs(config: Mapping[str, Any]) -> int | None:
    """Numbers that the torso reads: of the encoder, of the embeddings, the start flag. None where the encoder has no
    layer, so that it depends on the task."""
    network, inputs = section(config, "network"), section(config, "torso").get("inputs")
    encoder, embed = network.get("encoder"), whole(network.get("embed"))
    if not isinstance(encoder, list) or not isinstance(inputs, list) or embed is None:
        return None
    if not encoder or whole(encoder[-1]) is None:
        return None
    embedded = [name for name in ("previous_action", "previous_reward") if name in inputs]
    return encoder[-1] + embed * len(embedded) + ("start" in inputs)


def _match(config: Mapping[str, Any]) -> Match | None:
    """What is shipped of a torso of these settings that reads as many numbers."""
    torso, reads = section(config, "torso"), torso_inputs(config)
    for track in load_matches().values():
        for label, match in track.items():
            own = OBSERVED if match.entry.get("inputs") == ["observation"] else INPUTS
            same = match.entry.get("type", label) == torso.get("type") and own == reads
            if same and match.settings.items() <= _plain(torso.get("settings")) and _defaults(torso, match):
                return match
    return None


def _plain(settings: Any) -> set[tuple[str, Any]]:
    """Those settings that are numbers or words."""
    found = settings.items() if isinstance(settings, Mapping) else ()
    return {(name, value) for name, value in found if isinstance(value, int | float | str | bool | None)}


def _defaults(torso: Mapping[str, Any], match: Match) -> bool:
    """Whether every other setting is the catalogue's default."""
    fields = load_catalogue().torsos[torso["type"]].fields
    return all(
        name in match.settings or (name in fields and value == fields[name].default)
        for name, value in torso["settings"].items()
    )
