"""Bandits: which arm was pulled, whether it paid, and, hidden, how likely each arm is to pay."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import FAINT, GREEN, HAIR, HIDDEN, INK, VERMILION, frame, tile
from memorax_bench.drawing.view import Row, View, decimals
from memorax_bench.drawing.words import each

_LEGEND = "bars: how likely each arm is to pay (hidden); green: the arm pulled paid, red: it did not"


def multiarmed_bandit(episode: Episode) -> View:
    arms, paid = episode.full["arms"], episode.observations[1:] == 1
    observed = ["paid" if won else "not paid" for won in episode.observations]
    actions = [f"arm {action}" for action in episode.actions]
    note = "The first observation is as if an arm had not paid. None says which arm was pulled."
    return _view(episode, observed, actions, arms, paid, (note,))


def bernoulli_bandit(episode: Episode) -> View:
    paid = episode.observations[1:, 0] == 1
    actions = [f"arm {action}" for action in episode.actions]
    note = "An observation is the last reward, the last action (one-hot) and the time."
    return _view(episode, each(episode.observations), actions, episode.states.reward_probs, paid, (note,))


def _view(
    episode: Episode,
    observed: Sequence[str],
    actions: Sequence[str],
    arms: np.ndarray,
    paid: np.ndarray,
    notes: tuple[str, ...],
) -> View:
    chances = [_share(arms[t, action]) for t, action in enumerate(episode.actions)]
    best = f"best arm {int(arms[0].argmax())}: {_share(arms[0].max())}"
    hidden = [f"pays {chance}; {best}" for chance in chances]
    rows = (
        Row("action", actions),
        Row("then seen", ["paid" if won else "not paid" for won in paid], "observed"),
        Row("hidden", [f"pays {chance}" for chance in chances], "hidden"),
    )

    def draw(axes: Axes, t: int) -> None:
        _draw_arms(axes, arms[t], int(episode.actions[t]), bool(paid[t]))

    return View(observed, actions, draw, (1.0, 0.8), hidden, rows, True, False, 2.0, _LEGEND, notes)


def _share(value: float) -> str:
    return decimals(value).removeprefix("0")


def _draw_arms(axes: Axes, arms: np.ndarray, pulled: int, paid: bool) -> None:
    frame(axes, 1.25, 1.0)
    n, left, base, tall = len(arms), 0.04, 0.12, 0.84
    step = (1.25 - 2 * left) / n
    for i, chance in enumerate(arms):
        colour = HIDDEN if i != pulled else GREEN if paid else VERMILION
        x, width = left + (i + 0.14) * step, 0.72 * step
        tile(axes, x, base, width, tall, "#F2F4F6")
        tile(axes, x, base, width, tall * float(chance), colour)
    axes.plot([left, 1.25 - left], [base, base], color=FAINT, lw=0.8)
    axes.plot([left, 1.25 - left], [base + tall, base + tall], color=HAIR, lw=0.6)
    axes.plot(left + (pulled + 0.5) * step, 0.055, marker="^", color=INK, ms=3.6, mew=0)
