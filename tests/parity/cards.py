"""The tasks in which actions change nothing but rewards, so that all of an episode can be planned from its deck."""

from typing import Any

import numpy as np

from parity.family import ALL, ANYTHING, NOTHING, Family, Outcome

DECKS = ("order", "values", "queries")  # in the order of the arguments of `reset_with_order`


def _deck_of_suits(original: Any) -> dict[str, np.ndarray]:
    # Cards are dealt from the end.
    return {"order": original.deck.suits_idx[original.deck.idx[::-1]]}


def _deck_of_ranks(original: Any) -> dict[str, np.ndarray]:
    return {"order": original.deck.ranks_idx[original.deck.idx[::-1]]}


def _two_decks(original: Any) -> dict[str, np.ndarray]:
    decks = {"values": original.value_deck, "queries": original.query_deck}
    return {name: original.deck_idx_type[deck.idx[::-1]] for name, deck in decks.items()}


def _right_in_repeat_previous(original, order):
    # Before step k - 1, nothing is right.
    return order[np.maximum(np.arange(len(order) - 1) - original.k + 1, 0)]


def _right_in_repeat_first(original, order):
    return np.full(len(order) - 1, order[0])


def _right_in_higher_lower(original, order):
    return (order[1:] < order[:-1]).astype(np.int64)


def _right_in_autoencode(original, order):
    # While watching, nothing is right.
    return np.concatenate([np.zeros(len(order) - 1, np.int64), order[::-1]])


def _right_in_count_recall(original, values, queries):
    return np.array([np.sum(values[: t + 1] == queries[t]) for t in range(len(values) - 1)])


def _planned(policy: str, right: np.ndarray, num_actions: int, rng: np.random.Generator) -> np.ndarray:
    match policy:
        case "random":
            return rng.integers(0, num_actions, len(right))
        case "perfect":
            return right
        case "worst":
            return (right + 1) % num_actions
        case "without the card shown":
            return np.maximum(right - 1, 0)
        case "largest count":
            return np.full(len(right), num_actions - 1)
    raise ValueError(policy)


def _family(name, hidden, right, **more: Outcome) -> Family:
    def begin(original, seed):
        observation, _ = original.reset(seed=seed)
        return observation, hidden(original)

    def choose(policy, original, rng):
        rewarded = right(original, **hidden(original))
        actions = iter(_planned(policy, rewarded, int(original.action_space.n), rng).tolist())
        return lambda observation: next(actions)

    def reset(env, hidden, params):
        return env.reset_with_order(*(hidden[name] for name in DECKS if name in hidden), params)

    return Family(
        name=name,
        policies={"random": Outcome(within=(-1, 0.9)), "perfect": ALL, "worst": NOTHING} | more,
        choose=choose,
        begin=begin,
        reset=reset,
    )


FAMILIES = (
    _family("RepeatPrevious", _deck_of_suits, _right_in_repeat_previous),
    _family("RepeatFirst", _deck_of_suits, _right_in_repeat_first),
    # Ranks that are equal pay nothing, so that not even all guesses together win everything.
    _family(
        "HigherLower",
        _deck_of_ranks,
        _right_in_higher_lower,
        perfect=Outcome(within=(0.8, 0.999)),
        worst=Outcome(within=(-0.999, -0.8)),
    ),
    _family("Autoencode", _deck_of_suits, _right_in_autoencode),
    _family(
        "CountRecall",
        _two_decks,
        _right_in_count_recall,
        **{"without the card shown": ANYTHING, "largest count": ANYTHING},
    ),
)
