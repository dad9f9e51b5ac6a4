"""Checks made when a thing is built, before anything is compiled. Every message names thing, value, allowed, fix."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import distrax
import jax

from memorax.algorithms import values
from memorax.algorithms.acting import first_timestep, network_inputs, single_step
from memorax.algorithms.actor_critic import ActorCritic
from memorax.environments.spaces import Box, Discrete, MultiDiscrete, Space
from memorax.environments.types import Environment


def check_fields(
    config: Any,
    at_least_one: Iterable[str] = (),
    fractions: Iterable[str] = (),
    positive: Iterable[str] = (),
    not_negative: Iterable[str] = (),
) -> None:
    """Ranges of a Config's fields, all violations in one `ValueError`. Integers and booleans have to be just that."""
    kinds = (
        (at_least_one, lambda v: isinstance(v, int) and v >= 1, "a whole number of at least 1"),
        (fractions, lambda v: 0 <= v <= 1, "between 0 and 1"),
        (positive, lambda v: v > 0, "greater than 0"),
        (not_negative, lambda v: v >= 0, "0 or greater"),
    )
    optional = {field.name for field in dataclasses.fields(config) if field.default is None}
    problems = [
        f"{name} = {getattr(config, name)!r} must be {allowed}{', or null' if name in optional else ''}"
        for names, holds, allowed in kinds
        for name in names
        if not (name in optional and getattr(config, name) is None)
        and (isinstance(getattr(config, name), bool) or not holds(getattr(config, name)))
    ]
    problems += [
        f"{field.name} = {getattr(config, field.name)!r} must be True or False"
        for field in dataclasses.fields(config)
        if field.type in (bool, "bool") and not isinstance(getattr(config, field.name), bool)
    ]
    if problems:
        raise ValueError(f"{type(config).__name__}: " + "; ".join(problems))


def check_minibatches(config: Any) -> None:
    """Minibatches are made of whole environments."""
    if config.num_envs % config.num_minibatches:
        divisors = [n for n in range(1, config.num_envs + 1) if config.num_envs % n == 0]
        raise ValueError(
            f"{type(config).__name__}: num_minibatches = {config.num_minibatches} must divide num_envs = "
            f"{config.num_envs}, because minibatches are made of whole environments; use one of {divisors}"
        )


def check_burn_in(config: Any) -> None:
    """Something has to be left of a rollout to learn from."""
    steps = config.burn_in
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps < config.num_steps:
        raise ValueError(
            f"{type(config).__name__}: burn_in = {steps!r} must be a whole number from 0 to num_steps - 1 = "
            f"{config.num_steps - 1}: these first steps of a rollout are not learnt from"
        )


def check_windows(config: Any, ahead: str | int) -> None:
    """Windows fit into the buffer, begin where memories are stored, and exist when learning starts.

    ahead: steps of a window beyond those that are learnt from, or the field that has them
    """
    steps = getattr(config, ahead) if isinstance(ahead, str) else ahead
    name, window = type(config).__name__, config.burn_in + config.sequence_length + steps
    if isinstance(config.burn_in, bool) or not isinstance(config.burn_in, int):
        raise ValueError(f"{name}: burn_in = {config.burn_in!r} must be a whole number of steps, 0 or greater")
    if config.num_steps % config.period:
        rounded = config.period * -(-config.num_steps // config.period)
        raise ValueError(
            f"{name}: period = {config.period} must divide num_steps = {config.num_steps}, as memories are stored "
            f"every period steps of what an update acts; use num_steps={rounded}"
        )
    needed = window * config.num_envs
    for field in ("buffer_size", "learning_starts"):
        if getattr(config, field) < needed:
            raise ValueError(
                f"{name}: {field} = {getattr(config, field)} transitions of {config.num_envs} environments hold no "
                f"window of burn_in + sequence_length + {ahead} = {window} steps; use at least {needed}"
            )
    if config.learning_starts > config.buffer_size:
        raise ValueError(
            f"{name}: learning_starts = {config.learning_starts} must be at most buffer_size = {config.buffer_size}"
        )


def check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} = {value!r} must be a whole number of at least 1")


def check_same_spaces(observation_space: Space, action_space: Space, env: Environment, env_params: Any) -> None:
    """Another environment to evaluate in has to speak the agent's spaces."""
    for name, own, other in (
        ("observation", observation_space, env.observation_space(env_params)),
        ("action", action_space, env.action_space(env_params)),
    ):
        if own != other:
            raise ValueError(f"the agent was trained on the {name} space {own}; this environment's is {other}")


def check_policy(networks: ActorCritic, observation_space: Space, action_space: Space) -> values.Values:
    """The networks fit the spaces: traced on shapes alone, nothing is computed. Returns the shapes of the critic's."""
    timestep = first_timestep(observation_space.zeros((1,)), action_space)

    def outputs(key: jax.Array) -> tuple[Any, Any, jax.Array]:
        inputs = single_step(network_inputs(timestep, observation_space, action_space))
        params = networks.init(key, inputs, 1)
        _, distribution, value, _ = networks.apply(params, inputs, networks.initialize_carry(1))
        if not isinstance(distribution, distrax.Distribution):
            return distribution, distribution, value
        distribution.entropy()  # part of the loss: a policy without one is refused here
        return distribution, distribution.sample(seed=key), value

    distribution, drawn, value = jax.eval_shape(outputs, jax.random.key(0))
    mean = jax.eval_shape(values.mean, value)
    if getattr(mean, "shape", None) != (1, 1):
        returned = f"shape {mean.shape}" if isinstance(mean, jax.ShapeDtypeStruct) else type(value).__name__
        raise ValueError(
            f"the critic returns {returned} for a batch [1, 1]; it must be values [B, T]: use heads.VNetwork()"
        )
    check_action(drawn, categories(distribution), action_space)
    return value


def categories(distribution: Any) -> int | None:
    """How many values an entry of a drawn action can have at most; None where it is a real number."""
    if isinstance(distribution, distrax.Independent):
        distribution = distribution.distribution
    return distribution.num_categories if isinstance(distribution, distrax.Categorical) else None


def check_action(drawn: Any, most: int | None, action_space: Space, continuous: str = "Gaussian") -> None:
    """`drawn`, the shape of a sample for a batch [1, 1], with at most `most` values an entry, belongs to the space;
    `continuous` is the head to use in a Box."""
    match action_space:
        case Discrete():
            event, size, head = (), action_space.n, f"heads.Categorical(action_dim={action_space.n})"
        case MultiDiscrete():
            event, size = action_space.shape, max(action_space.nvec)
            head = f"heads.MultiCategorical(action_dims={action_space.nvec})"
        case Box():
            event, size = (math.prod(action_space.shape),), None
            head = f"heads.{continuous}(action_dim={event[0]})"
        case _:
            raise ValueError(f"the action space is {action_space}; this algorithm acts in Discrete, MultiDiscrete, Box")
    shape = getattr(drawn, "shape", None)
    if shape != (1, 1, *event) or most != size:
        found = type(drawn).__name__ if shape is None else f"actions of shape {shape[2:]}"
        values = "" if most is None else f" with {most} values"
        raise ValueError(f"the actor's head draws {found}{values}, the action space is {action_space}: use {head}")
