"""PPO with a Mamba-2 memory against the same agent without memory, on a POPGym task; draws both learning curves.

The torso without memory is the control: what it earns, the task does not ask memory for.
"""

from pathlib import Path

import flax.linen as nn
import jax
import matplotlib.pyplot as plt
import optax

from memorax import lox
from memorax.algorithms import PPO, PPOConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import (
    MLP,
    FeatureExtractor,
    Identity,
    Mamba2Cell,
    Mamba2Config,
    Memoroid,
    MLPConfig,
    Network,
    SequenceModelWrapper,
    heads,
)
from memorax.networks.types import SequenceModel


def make_agent(task: str, torso: SequenceModel, config: PPOConfig, features: int) -> PPO:
    env, env_params = make(task)
    feature_extractor = FeatureExtractor(
        observation_extractor=nn.Sequential((nn.Dense(features), nn.relu)),
        action_extractor=nn.Dense(features),
        start_extractor=Identity(),
    )
    actor = Network(feature_extractor, torso, heads.Categorical(env.action_space(env_params).n))
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(5e-4))
    return PPO(config, RecordEpisodeStatistics(env), env_params, actor, heads.VNetwork(), optimizer)


def main(
    task: str = "popgym::RepeatPreviousEasy",
    num_envs: int = 16,
    num_steps: int = 128,
    total_steps: int = 400_000,
    num_seeds: int = 2,
    features: int = 64,
    figure: str | Path = "build/ppo_mamba2_popgym.png",
) -> dict:
    config = PPOConfig(num_envs=num_envs, num_steps=num_steps)
    torsos = {
        "Mamba-2": Memoroid(cell=Mamba2Cell(config=Mamba2Config(features=features, state_dim=16))),
        "no memory": SequenceModelWrapper(MLP(config=MLPConfig(features=features))),
    }
    curves = {}
    for name, torso in torsos.items():
        agent = make_agent(task, torso, config, features)
        init_key, train_key = jax.random.split(jax.random.key(0))
        state = jax.vmap(agent.init)(jax.random.split(init_key, num_seeds))
        train = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))
        _, logs = train(jax.random.split(train_key, num_seeds), state, total_steps)
        curves[name] = logs["step"][0], logs["episode/return_sum"].sum(0) / logs["episode/count"].sum(0)
        print(f"{name:10}  return {curves[name][1][-1]:.2f} in the last update, over {num_seeds} seeds")

    fig, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, (steps, returns) in curves.items():
        axes.plot(steps, returns, label=name)
    axes.set(xlabel="environment steps of a seed", ylabel="return", title=task)
    axes.legend()
    Path(figure).parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(figure, dpi=150)
    plt.close(fig)
    print(f"drawn: {figure}")
    return curves


if __name__ == "__main__":
    main()
