"""Tasks that deal cards: Autoencode, CountRecall, HigherLower, RepeatFirst, RepeatPrevious."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, CARD_RED, HIDDEN, INK, frame, glyphs, tile
from memorax_bench.drawing.view import Row, View

# In the order in which POPGym counts them.
SUITS = ("♠", "♦", "♣", "♥")
RANKS = ("A", *map(str, range(2, 11)), "J", "Q", "K")
COLOURS = ("black", "red")
TYPES = {"suits": SUITS, "ranks": RANKS, "colors": COLOURS}

_WIDTH, _HEIGHT = 1.0, 1.4
_SIZE = (0.9, 0.9 * _HEIGHT)
_PACE = 1.25  # frames a second
_FACES = {"black": "♠♣", "red": "♥♦"}
_LEGEND = "hidden: the suit that would be rewarded, and the step that showed it"


def repeat_previous(episode: Episode) -> View:
    return _repeating(episode, np.arange(episode.length + 1) - int(episode.params.k) + 1)


def repeat_first(episode: Episode) -> View:
    return _repeating(episode, np.zeros(episode.length + 1, int))


def _repeating(episode: Episode, sources: np.ndarray) -> View:
    suits = [SUITS[suit] for suit in episode.observations]
    actions = [SUITS[action] for action in episode.actions]
    due = _due(episode, sources)
    rows = (Row("action", actions), Row("hidden", due, "hidden"))
    return View(suits, actions, _dealing(suits), _SIZE, due, rows, True, frames_per_second=_PACE, legend=_LEGEND)


def autoencode(episode: Episode) -> View:
    modes, suits = episode.observations
    last = 52 * int(episode.params.num_decks) - 1
    mode = [("recite", "watch")[is_watching] for is_watching in modes]
    words = [f"{mode[t]} {SUITS[suit]}" for t, suit in enumerate(suits)]
    actions = [SUITS[action] for action in episode.actions]
    due = _due(episode, 2 * last - np.arange(episode.length + 1))

    def draw(axes: Axes, t: int) -> None:
        if t > last:
            back(axes)
        else:
            card(axes, SUITS[suits[t]])

    rows = (Row("mode", mode, "observed"), Row("action", actions), Row("hidden", due, "hidden"))
    note = "From the second step of reciting on, the suit shown is always ♠ and says nothing."
    legend = f"{_LEGEND}; face-down: what is shown says nothing"
    return View(words, actions, draw, _SIZE, due, rows, True, frames_per_second=_PACE, legend=legend, notes=(note,))


def count_recall(episode: Episode) -> View:
    names = TYPES[episode.env.deck_type]
    dealt, asked = ([names[i] for i in column] for column in episode.observations.T)
    words = [f"{value}; how many {query}?" for value, query in zip(dealt, asked, strict=True)]
    actions = [str(action) for action in episode.actions]
    due = [str(count) for count in episode.full["due"]]
    rows = (
        Row("asked", [f"how many {query}?" for query in asked], "observed"),
        Row("action", actions),
        Row("hidden", due, "hidden"),
    )
    legend = "hidden: the count that would be rewarded, which includes the card now shown"
    return View(words, actions, _dealing(dealt), (0.99, 1.26), due, rows, True, frames_per_second=_PACE, legend=legend)


def higher_lower(episode: Episode) -> View:
    ranks = [RANKS[rank] for rank in episode.observations]
    actions = [("higher", "lower")[action] for action in episode.actions]
    left = (episode.full["remaining"] * 4 * int(episode.params.num_decks)).round().astype(int)
    counts = [(left[t, rank + 1 :].sum(), left[t, :rank].sum()) for t, rank in enumerate(episode.observations)]
    hidden = [f"to come: {up} higher, {down} lower" for up, down in counts]
    rows = (Row("action", actions), Row("hidden", [f"{up} ▲  {down} ▼" for up, down in counts], "hidden"))
    legend = "▲ ▼: how many of the cards to come are higher and lower; a card of equal rank earns 0"
    return View(ranks, actions, _dealing(ranks), _SIZE, hidden, rows, True, frames_per_second=_PACE, legend=legend)


def _due(episode: Episode, sources: np.ndarray) -> list[str]:
    """At every step the suit that would be rewarded; `sources`: the step that showed it."""
    due = zip(episode.full["due"], sources, strict=True)
    return [f"{SUITS[suit]} of step {source}" if suit < len(SUITS) else "nothing due" for suit, source in due]


def _dealing(names: Sequence[str]) -> Callable[[Axes, int], None]:
    return lambda axes, t: card(axes, names[t])


def card(axes: Axes, name: str) -> None:
    """A card, face-up: a suit, a rank, or one of `COLOURS`."""
    _paper(axes)
    colour = CARD_RED if name in ("♦", "♥", "red") else INK
    if name in _FACES:
        for sign, y in zip(_FACES[name], (0.90, 0.50), strict=True):
            glyphs(axes, 0.495, y, sign, 0.34, colour)
        return
    wide = len(name) > 1
    glyphs(axes, 0.495, 0.715, name, 0.46 if name in SUITS else 0.34 if wide else 0.40, colour)
    glyphs(axes, 0.18, 1.22, name, 0.11 if wide else 0.13, colour)
    glyphs(axes, 0.81, 0.21, name, 0.11 if wide else 0.13, colour, turned=True)


def back(axes: Axes) -> None:
    """A card that lies face-down."""
    _paper(axes)
    tile(axes, 0.11, 0.13, 0.77, 1.17, BLUE, 0.06, alpha=0.22)
    for column in range(3):
        for row in range(5):
            glyphs(axes, 0.27 + 0.225 * column, 0.28 + 0.218 * row, "♦", 0.085, HIDDEN)


def _paper(axes: Axes) -> None:
    """An empty card, with its shadow."""
    frame(axes, _WIDTH, _HEIGHT)
    tile(axes, 0.05, 0.03, 0.93, 1.33, "#E2E2E2", 0.1)
    tile(axes, 0.03, 0.05, 0.93, 1.33, "white", 0.1, ec="#9A9A9A", lw=0.7)
