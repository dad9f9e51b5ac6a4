"""The CartPole and Pendulum families.

The original computes in float64 and balances on an unstable point, so that states would drift apart: ours is set to the
original's before every step. The noise of the original is read ahead.
"""

import copy
import itertools
from typing import Any

import numpy as np

from parity.family import Family, Outcome

UPSIDE_UP = 0.4  # radians from upright within which the pendulum is held rather than swung


def cart_pole_in_float32(state: Any) -> np.ndarray:
    """The original's `state`, `[4]`, as ours."""
    return np.array(state, np.float32)


def pendulum_in_float32(state: Any) -> np.ndarray:
    """The original's `state`, `[2]`, as ours, whose angle stays within -pi and pi: wrapped before digits are lost."""
    return np.array([(state[0] + np.pi) % (2 * np.pi) - np.pi, state[1]], np.float32)


def _choose_push(policy, original, rng):
    def balance(observation):
        x, velocity, angle, angular_velocity = original.state
        return int(0.1 * x + 0.2 * velocity + 2 * angle + 0.5 * angular_velocity > 0)

    steps_left = itertools.count(original.max_episode_length - 1, -1)

    def fail_last(observation):
        if next(steps_left) == 0:
            original.state = np.array([2.39, 3.0, 0.0, 0.0])
        return balance(observation)

    match policy:
        case "random":
            return lambda observation: int(rng.integers(2))
        case "push right" | "push left":
            return lambda observation: int(policy == "push right")
        case "balance":
            return balance
        case "balance, but fail on the last step":
            return fail_last
    raise ValueError(policy)


def _choose_torque(policy, original, rng):
    def torque():
        angle, velocity = pendulum_in_float32(original.state)
        match policy:
            case "random":
                return rng.uniform(-2, 2)
            case "rest":
                return 0.0
            case "beyond all bounds":
                return 9.0 if velocity > 0 else -5.0
            case "swing up":
                energy = velocity**2 / 6 + 5 * np.cos(angle) - 5
                holds = abs(angle) < UPSIDE_UP
                return -10 * angle - 2 * velocity if holds else 2 * np.sign(-energy * velocity)
        raise ValueError(policy)

    return lambda observation: np.array([torque()], np.float32)


def _noise(original: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The noise of the observations to come, float32 `[*shape, 2]`; the original goes on as if nobody had looked."""
    rng = copy.deepcopy(original.np_random)
    return rng.normal(0, original.noise_sigma, (*shape, 2)).astype(np.float32)


def _family(name: str, policies: dict[str, Outcome], choose, in_float32, is_noisy: bool) -> Family:
    def begin(original, seed):
        noise = {}
        if is_noisy:
            # The reset of the class without noise leaves the generator where the noise is drawn from it.
            super(type(original).__mro__[1], original).reset(seed=seed)
            noise = {"noise": _noise(original, ())}
        observation, _ = original.reset(seed=seed)
        return observation, {"physical": in_float32(original.state)} | noise

    def inputs(original):
        noises = _noise(original, (original.max_episode_length,)) if is_noisy else None
        for t in range(original.max_episode_length):
            yield {"physical": in_float32(original.state)} | ({"noise": noises[t]} if is_noisy else {})

    def step(env, inputs, state, action, params):
        return env.step_with_noise(inputs.get("noise"), state.replace(physical=inputs["physical"]), action, params)

    return Family(
        name=name,
        policies=policies,
        choose=choose,
        begin=begin,
        reset=lambda env, hidden, params: env.reset_with_state(hidden["physical"], hidden.get("noise"), params),
        inputs=inputs,
        step=step,
        state=lambda original: {"physical": np.array(original.get_state(), np.float32)},
    )


def _cart_pole(name: str, is_noisy: bool = False) -> Family:
    policies = {
        "random": Outcome(terminated=True, truncated=False),
        "balance": Outcome(within=(1, 1), terminated=False, truncated=True),
        "push right": Outcome(within=(0, 15 / 200), terminated=True, truncated=False),
        "push left": Outcome(within=(0, 15 / 200), terminated=True, truncated=False),
        "balance, but fail on the last step": Outcome(within=(1, 1), terminated=True, truncated=True),
    }
    return _family(name, policies, _choose_push, cart_pole_in_float32, is_noisy)


def _pendulum(name: str, is_noisy: bool = False) -> Family:
    policies = {
        "random": Outcome(terminated=False, truncated=True),
        "swing up": Outcome(within=(0.2, 1), terminated=False, truncated=True),
        "beyond all bounds": Outcome(terminated=False, truncated=True),
        "rest": Outcome(terminated=False, truncated=True),
    }
    return _family(name, policies, _choose_torque, pendulum_in_float32, is_noisy)


FAMILIES = (
    _cart_pole("PositionOnlyCartPole"),
    _cart_pole("VelocityOnlyCartPole"),
    _cart_pole("NoisyPositionOnlyCartPole", is_noisy=True),
    _pendulum("PositionOnlyPendulum"),
    _pendulum("NoisyPositionOnlyPendulum", is_noisy=True),
)
