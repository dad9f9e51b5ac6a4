"""Many seeds at once: one compiled training under `vmap`, shown live on a dashboard and kept in a file.

The task is bsuite's memory length: a bit shown at the start of an episode earns 1 at its end, if it is not forgotten.
"""

from pathlib import Path

import flax.linen as nn
import jax
import numpy as np
import optax

from memorax import lox
from memorax.algorithms import A2C, A2CConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.loggers import DashboardLogger, FileLogger, MultiLogger
from memorax.networks import FeatureExtractor, LRUCell, LRUConfig, Memoroid, Network, heads


def main(
    memory_length: int = 5,
    num_seeds: int = 5,
    num_envs: int = 16,
    num_steps: int = 32,
    chunks: int = 10,
    updates_a_chunk: int = 20,
    num_episodes: int = 64,
    features: int = 64,
    file: str | Path = "build/seeds_dashboard.csv",
) -> np.ndarray:
    env, env_params = make("gymnax::MemoryChain-bsuite", memory_length=memory_length)
    actor = Network(
        FeatureExtractor(observation_extractor=nn.Sequential((nn.Dense(features), nn.relu))),
        torso=Memoroid(cell=LRUCell(config=LRUConfig(features=features))),
        head=heads.Categorical(env.action_space(env_params).n),
    )
    config = A2CConfig(num_envs=num_envs, num_steps=num_steps, gae_lambda=0.95)
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-3))
    agent = A2C(config, RecordEpisodeStatistics(env), env_params, actor, heads.VNetwork(), optimizer)

    init_key, train_key, evaluate_key = jax.random.split(jax.random.key(0), 3)
    state = jax.vmap(agent.init)(jax.random.split(init_key, num_seeds))
    train = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))  # compiled once, in the first chunk
    steps_a_chunk = updates_a_chunk * num_envs * num_steps

    Path(file).unlink(missing_ok=True)  # a logger goes on with a file that exists
    dashboard = DashboardLogger(total_steps=chunks * steps_a_chunk, title="A2C with an LRU")
    with MultiLogger([dashboard, FileLogger(file)]) as logger:
        for chunk in range(chunks):
            keys = jax.random.split(jax.random.fold_in(train_key, chunk), num_seeds)
            state, logs = train(keys, state, steps_a_chunk)
            logger.log(logs)  # [seeds, updates] of everything; what was logged survives an interruption

    evaluate = jax.vmap(lambda key, state: agent.evaluate(key, state, num_episodes).returns)
    returns = np.asarray(evaluate(jax.random.split(evaluate_key, num_seeds), state))
    for seed, mean in enumerate(returns.mean(1)):
        print(f"seed {seed}: {mean:5.2f} over {num_episodes} episodes")
    print(f"mean {returns.mean():.2f}, from {returns.mean(1).min():.2f} to {returns.mean(1).max():.2f}; rows in {file}")
    return returns


if __name__ == "__main__":
    main()
