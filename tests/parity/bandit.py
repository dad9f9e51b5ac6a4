"""MultiarmedBandit: the arms are injected, and what decides whether an arm pays is read ahead."""

import copy

import numpy as np

from parity.family import ANYTHING, Family, Outcome


def _begin(original, seed):
    observation, _ = original.reset(seed=seed)
    return observation, {"arms": original.bandits.copy()}


def _choose(policy, original, rng):
    arms = original.bandits
    match policy:
        case "random":
            return lambda observation: int(rng.integers(len(arms)))
        case "best arm":
            return lambda observation: int(np.argmax(arms))
        case "worst arm":
            return lambda observation: int(np.argmin(arms))
    raise ValueError(policy)


def _inputs(original):
    draws = copy.deepcopy(original.np_random).random(original.max_episode_length)
    yield from ({"draw": draw} for draw in draws.astype(np.float32))


FAMILIES = (
    Family(
        name="MultiarmedBandit",
        policies={
            "random": ANYTHING,
            "best arm": Outcome(within=(0.2, 1)),
            "worst arm": Outcome(within=(-1, -0.2)),
        },
        choose=_choose,
        begin=_begin,
        reset=lambda env, hidden, params: env.reset_with_arms(hidden["arms"], params),
        inputs=_inputs,
        step=lambda env, inputs, state, action, params: env.step_with_draw(inputs["draw"], state, action, params),
    ),
)
