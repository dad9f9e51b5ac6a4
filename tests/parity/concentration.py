"""Concentration: the board is injected."""

from collections.abc import Callable

import numpy as np

from parity.family import ALL, ANYTHING, Family, Outcome


def _board(original) -> np.ndarray:
    return original.deck_idx_type[original.deck.idx]


def _begin(original, seed):
    observation, _ = original.reset(seed=seed)
    return observation, {"board": _board(original)}


def _choose(policy, original, rng):
    board = _board(original)
    if policy == "random":
        return lambda observation: int(rng.integers(len(board)))
    if policy == "remember":
        return _remember(board.max() + 1, set(range(len(board))), rng)
    flips = iter(_script(policy, board, rng))
    return lambda observation: next(flips, int(rng.integers(len(board))))


def _script(policy: str, board: np.ndarray, rng: np.random.Generator) -> list[int]:
    """The first flips, planned from the board."""
    pairs = np.concatenate([rng.permutation(np.flatnonzero(board == card)) for card in range(board.max() + 1)]).tolist()
    match policy:
        case "perfect":
            return pairs
        case "same card twice":
            return np.repeat(rng.integers(0, len(board), len(board)), 2).tolist()
        case "face-up again":
            # A pair, then its first card again: alone, and as the second after a card that is thereby lost.
            twos = zip(pairs[::2], pairs[1::2], strict=True)
            return [cell for a, b in twos for cell in (a, b, a, pairs[-1], b)]
        case "last pair on the last step":
            # All others at once, and then time is wasted.
            return pairs[:-2] + [pairs[0]] * len(board) + pairs[-2:]
    raise ValueError(policy)


def _remember(num_types: int, face_down: set[int], rng: np.random.Generator) -> Callable[[np.ndarray], int]:
    """Pairs up what it has seen, else looks at something new; it never errs on purpose, so it stays in phase."""
    known, waiting = {}, []

    def choose(observation):
        for cell in np.flatnonzero(observation < num_types):
            known[int(cell)] = int(observation[cell])
        if len(waiting) == 2:
            if known[waiting[0]] == known[waiting[1]]:
                face_down.difference_update(waiting)
            waiting.clear()
        seen = [cell for cell in sorted(known) if cell in face_down and cell not in waiting]
        unseen = [cell for cell in sorted(face_down - known.keys()) if cell not in waiting]
        if waiting:
            partners = [cell for cell in seen if known[cell] == known[waiting[0]]]
        else:
            partners = [a for a in seen if any(a != b and known[a] == known[b] for b in seen)]
        waiting.append(partners[0] if partners else int(rng.choice(unseen or sorted(face_down))))
        return waiting[-1]

    return choose


FAMILIES = (
    Family(
        name="Concentration",
        policies={
            "random": Outcome(within=(-1, 0.1)),
            "perfect": ALL,
            "same card twice": Outcome(within=(-1, -0.5)),
            "face-up again": ANYTHING,
            "last pair on the last step": Outcome(terminated=True, truncated=True),
            "remember": Outcome(within=(-0.5, 1)),
        },
        choose=_choose,
        begin=_begin,
        reset=lambda env, hidden, params: env.reset_with_board(hidden["board"], params),
    ),
)
