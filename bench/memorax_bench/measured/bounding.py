"""Measures the bounds of tasks: which rule bounds which task, and the episodes that are played for it.

Keys are fixed, so a second measurement on the same release of jax gives the same numbers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memorax.algorithms.evaluation import evaluate_episodes
from memorax.environments import make
from memorax.environments.types import Environment
from memorax_bench.measured import oracles
from memorax_bench.measured.bounds import Bound, Bounds, key

EPISODES = 10_000
AT_ONCE = 1_000  # environments; a state may weigh tens of kilobytes


@dataclass(frozen=True)
class Player:
    """A way to play: `choose(env, params)` makes it, of the task made with `options`; `reveal` shows it the state."""

    choose: Callable[[Environment, Any], oracles.Act]
    source: str
    kind: str = "oracle"
    options: Mapping[str, Any] | None = None
    reveal: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Rule:
    """How the tasks of a family are bounded. A floor of None is measured by random play, like every `random`.

    `like`: a task with the same rewards; where it was measured, random play is not measured again.
    """

    hard: tuple[float, float]
    floor: Bound | None = None
    ceiling: Bound | Player | None = None
    episodes: int = EPISODES
    like: str | None = None


def exact(value: float, source: str) -> Bound:
    return Bound(value=value, kind="exact", source=source)


STATE = {"observation": "state"}
GUESS = exact(-0.5, "the rules: a quarter of guesses is right")
ALL = exact(1.0, "the rules: every answer can be remembered")
BALANCE = Player(oracles.balance, "linear feedback from positions and velocities", options=STATE)
SWING_UP = Player(oracles.swing_up, "dynamic programming on the angle and the speed", options=STATE)


def best_arm(arms: int) -> Rule:
    """The largest of n uniform probabilities is n/(n+1) on average."""
    value = round(2 * arms / (arms + 1) - 1, 4)
    source = f"the best of {arms} known uniform arms: 2n/(n+1) - 1"
    return Rule((-1, 1), exact(0.0, "the rules: an arm wins half of the time"),
                Bound(value=value, kind="oracle", source=source))  # fmt: skip


def battleship(size: int) -> Rule:
    return Rule((-(size**2) / (size**2 - 12), 1), None, Player(oracles.see_ships, "fires at ships only", options=STATE))


PAIR_UP = Player(oracles.pair_up, "forgets nothing: known pairs first, then unseen cards", "measured", STATE)
COUNT = Player(oracles.count_cards, "perfect card counting, which is optimal here", "measured", STATE)
POPGYM = {
    "RepeatPrevious": Rule((-1, 1), GUESS, ALL),
    "RepeatFirst": Rule((-1, 1), GUESS, ALL),
    "Autoencode": Rule((-1, 1), GUESS, ALL),
    "CountRecall": Rule((-1, 1), None, ALL),
    "HigherLower": Rule((-1, 1), exact(0.0, "the rules: both guesses are right equally often"), COUNT),
    "Concentration": Rule((-1, 1), None, PAIR_UP),
    "Battleship": {"Easy": battleship(8), "Medium": battleship(10), "Hard": battleship(12)},
    "MineSweeper": Rule((-1, 1), None, Player(oracles.see_mines, "opens every safe cell", options=STATE)),
    "MultiarmedBandit": {"Easy": best_arm(10), "Medium": best_arm(20), "Hard": best_arm(30)},
    "PositionOnlyCartPole": Rule((0, 1), None, BALANCE),
    "VelocityOnlyCartPole": Rule((0, 1), None, BALANCE),
    "NoisyPositionOnlyCartPole": Rule((0, 1), None, BALANCE),
    "PositionOnlyPendulum": Rule((-1, 1), None, SWING_UP),
    "NoisyPositionOnlyPendulum": Rule((-1, 1), None, SWING_UP),
}
HORIZONS = (2, 4, 8, 16, 32, 64)  # steps back, of the suite `horizon`
BIT = Rule((-1, 1), exact(0.0, "the rules: +1 or -1, one bit"), exact(1.0, "the rules: the bit was shown"))
META_MAZE = Player(
    oracles.shortest_path, "the shortest way to the goal, always known", reveal=lambda state: (state.pos, state.goal)
)
SUCCESS = Rule((0, 1), None, Bound(value=1.0, kind="oracle", source="the rules: a success earns 1, however late"))
NAVIX = ("MemoryS11", "MemoryS13", "MemoryS13Random", "MemoryS17Random", "DoorKey-8x8", "KeyCorridorS3R3", "Unlock",
         "RedBlueDoors-8x8")  # fmt: skip
# Physics is slow, and what is shown moves no reward, so random play is measured over fewer episodes, once a body. No
# limit follows from the rules. The engine spring is the fastest.
SPRING = {"backend": "spring"}
BODIES = ("ant", "halfcheetah", "hopper", "inverted_pendulum", "walker2d")
OTHERS: list[tuple[str, dict[str, Any], Rule]] = [
    *(("popgym::RepeatPrevious", {"k": length + 1, "num_decks": 3}, POPGYM["RepeatPrevious"]) for length in HORIZONS),
    *(("gymnax::MemoryChain-bsuite", {"memory_length": length + 1}, BIT) for length in HORIZONS),
    ("popgym::RepeatPrevious", {"k": 8}, POPGYM["RepeatPrevious"]),  # this and the chain of 20: of the suite `tuning`
    *(("gymnax::MemoryChain-bsuite", {"memory_length": length}, BIT) for length in (10, 20, 30, 100, 300)),
    ("gymnax::CartPole-v1", {}, Rule((0, 500), None, exact(500.0, "the rules: 1 a step, 500 steps at most"))),
    ("gymnax::Pendulum-v1", {}, Rule((-3260, 0))),  # 200 steps of at most pi^2 + 0.1 * 8^2 + 0.001 * 2^2
    ("gymnax::MetaMaze-misc", {}, Rule((0, 2000), None, META_MAZE)),
    ("gymnax::BernoulliBandit-misc", {}, Rule((0, 100), exact(50.0, "the rules: the arms win with .1 and .9"),
        Bound(value=90.0, kind="oracle", source="the better arm is known: 100 steps at .9"))),
    *((f"navix::{name}", {}, SUCCESS) for name in NAVIX),
    *((f"brax::{body}-{shown}", SPRING, Rule((-1e5, 1e5), episodes=256, like=key(f"brax::{body}-positions", SPRING)))
      for body in BODIES for shown in ("positions", "velocities")),
]  # fmt: skip


def rules() -> Iterator[tuple[str, dict[str, Any], Rule]]:
    """Every bounded task: its id, its options, its rule."""
    for family, rule in sorted(POPGYM.items()):
        for difficulty in ("Easy", "Medium", "Hard"):
            chosen = rule if isinstance(rule, Rule) else rule[difficulty]
            yield f"popgym::{family}{difficulty}", {}, chosen
    yield from OTHERS


def names() -> list[str]:
    """The keys of all bounded tasks, in the order of the document."""
    return [key(task_id, kwargs) for task_id, kwargs, _ in rules()]


def measure(only: Iterable[str] = (), say: Callable[[str], None] = lambda line: None) -> dict[str, Bounds]:
    """The bounds of all tasks, or of those whose key starts with one of `only`."""
    measured = {}
    for task_id, kwargs, rule in rules():
        name = key(task_id, kwargs)
        if not only or name.startswith(tuple(only)):
            measured[name] = bounds_of(task_id, kwargs, rule, measured.get(rule.like))
            ceiling = measured[name].ceiling
            say(f"{name}: {measured[name].floor.value} .. {'?' if ceiling is None else ceiling.value}")
    return measured


def bounds_of(task_id: str, kwargs: Mapping[str, Any], rule: Rule, like: Bounds | None = None) -> Bounds:
    """The bounds of one task. `like` are those of a task in which random play earns the same."""
    if like is None:
        player = Player(oracles.uniform, "uniform random play", "measured")
        random = play(task_id, kwargs, player, rule.episodes)
    else:
        random = like.random
    ceiling = rule.ceiling
    if isinstance(ceiling, Player):
        ceiling = play(task_id, kwargs, ceiling, rule.episodes)
    return Bounds(
        hard_min=round(rule.hard[0], 6),
        hard_max=rule.hard[1],
        floor=random if rule.floor is None else rule.floor,
        random=random,
        ceiling=ceiling,
    )


def play(task_id: str, kwargs: Mapping[str, Any], player: Player, episodes: int) -> Bound:
    """The mean return of whole episodes and its standard error."""
    env, params = make(task_id, **kwargs, **(player.options or {}))
    act = player.choose(env, params)
    seen = env if player.reveal is None else oracles.Revealed(env, player.reveal)
    limit, space = env.max_episode_steps(params), env.action_space(params)

    at_once = min(AT_ONCE, episodes)

    def step(step_key: jax.Array, timestep: Any, carry: tuple) -> tuple[tuple, Any]:
        return carry, jax.vmap(act)(jax.random.split(step_key, at_once), timestep.observation)

    @jax.jit
    def batch(batch_key: jax.Array) -> jax.Array:
        return evaluate_episodes(batch_key, step, (), seen, params, space, limit, at_once).returns

    keys = jax.random.split(jax.random.key(0), -(-episodes // at_once))
    returns = np.concatenate([batch(batch_key) for batch_key in keys]).astype(np.float64)[:episodes]
    error = returns.std(ddof=1) / np.sqrt(episodes)
    return Bound(
        value=round(float(returns.mean()), 4),
        kind=player.kind,
        source=player.source,
        n=episodes,
        standard_error=round(float(error), 5),
    )
