"""Finds the width at which a torso has a given number of parameters, or does a given work a step (see `matched`)."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.registry import SEQUENCE_MODELS, resolve
from memorax_bench.cell.build import config_class
from memorax_bench.cell.cost import TorsoCost, torso_cost
from memorax_bench.measured.matched import INPUTS, OBSERVED, TOLERANCE, TRACKS, Match

WIDEST = 1024

# One layer, unless the paper has no one-layer form.
_FIXED = {"gpt2": {"num_layers": 1}, "gtrxl": {"num_layers": 1}, "transformer_xl": {"num_layers": 1}}
# What else may differ from its default where no width alone comes near; the first that does is taken.
_OTHERWISE: dict[str, dict[str, tuple[int, ...]]] = {
    "attention": {"num_heads": (2, 1)},
    "delta_net": {"num_heads": (2, 1)},
    "gated_delta_net": {"num_heads": (2, 1)},
    "gpt2": {"num_heads": (2, 1)},
    "gtrxl": {"num_heads": (2, 1)},
    "mamba2": {"head_dim": (16, 8)},
    "mamba3": {"head_dim": (16, 8)},
    "transformer_xl": {"num_heads": (2, 1)},
}
# The controls: `mlp` sees the observation only, `mlp-prev` what the others see.
_CONTROLS = {"mlp": {"role": "control", "inputs": ["observation"]}, "mlp-prev": {"type": "mlp", "role": "control"}}


def matches(track: str) -> Iterator[tuple[str, Match]]:
    """The entries of a track: the controls, then every registered torso. `ValueError` where one comes nowhere near."""
    for label in [*_CONTROLS, *(name for name in SEQUENCE_MODELS if name not in _CONTROLS)]:
        entry = _CONTROLS.get(label, {})
        inputs = OBSERVED if entry.get("inputs") == ["observation"] else INPUTS
        torso = resolve(SEQUENCE_MODELS[entry.get("type", label)])
        yield label, match(torso, track, inputs, _FIXED.get(label, {}), _OTHERWISE.get(label, {}), entry)


def match(
    torso: type,
    track: str,
    inputs: int = INPUTS,
    fixed: Mapping[str, int] | None = None,
    otherwise: Mapping[str, tuple[int, ...]] | None = None,
    entry: Mapping[str, Any] | None = None,
) -> Match:
    """The settings of a torso, `features` among them, with which it is nearest to a track's target.

    torso: a class that takes `features`, or a `config` that does
    fixed: settings to keep; otherwise: setting -> values to try in turn where no width alone comes near
    Raises `ValueError` where nothing comes within `TOLERANCE`.
    """
    fixed, target, tried = dict(fixed or {}), TRACKS[track], []
    for change in ({}, *({name: value} for name, values in (otherwise or {}).items() for value in values)):
        found = _nearest(torso, track, target, inputs, {**fixed, **change})
        if found is None:
            continue
        settings, cost = found
        if abs(getattr(cost, track) / target - 1) <= TOLERANCE:
            return Match(entry=dict(entry or {}), settings=settings, **dataclasses.asdict(cost))
        tried.append(f"{getattr(cost, track):,} with {settings}")
    message = f"{torso.__name__}: no features give {target:,} {track} within {TOLERANCE:.0%}"
    raise ValueError(f"{message}; nearest: {', '.join(tried) or 'none'}; change another setting of its size")


def _nearest(torso: type, track: str, target: int, inputs: int, fixed: dict) -> tuple[dict[str, int], TorsoCost] | None:
    """By doubling and bisection, from narrow ones up: what is counted grows with the width, as does the counting."""
    widths = [features for features in range(1, WIDEST + 1) if _built(torso, fixed, features) is not None]
    if not widths:
        return None

    @functools.cache
    def cost(place: int) -> TorsoCost:
        return torso_cost(as_sequence_model(_built(torso, fixed, widths[place])), inputs)

    count: Callable[[int], int] = lambda place: getattr(cost(place), track)  # noqa: E731
    low, high, last = 0, 1, len(widths) - 1
    while high < last and count(high) <= target:
        low, high = high, 2 * high
    high = min(high, last)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= target else (low, middle)
    best = min((low, high), key=lambda place: abs(count(place) - target))
    return {"features": widths[best], **fixed}, cost(best)


def _built(torso: type, fixed: dict, features: int) -> Any:
    """The module of that width, or None where its config refuses it."""
    config, settings = config_class(torso), {"features": features, **fixed}
    try:
        return torso(**settings) if config is None else torso(config=config(**settings))
    except ValueError:
        return None
