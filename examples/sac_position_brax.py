"""SAC that sees where a body is and not how fast it moves: velocities have to be inferred from the past.

Needs the extra `brax`. Compiling the physics takes most of the first minute.
"""

import flax.linen as nn
import jax
import optax

from memorax import lox
from memorax.algorithms import SAC, SACConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import RNN, FeatureExtractor, GRUCell, GRUConfig, Network, heads


def make_agent(task: str, config: SACConfig, features: int) -> SAC:
    env, env_params = make(task, backend="spring")  # the engine of the suite `control`
    (action_dim,) = env.action_space(env_params).shape
    feature_extractor = FeatureExtractor(
        observation_extractor=nn.Sequential((nn.Dense(features), nn.relu)), action_extractor=nn.Dense(features)
    )
    memory = RNN(cell=GRUCell(config=GRUConfig(features=features)))  # of the actor and of the critics, each for itself
    return SAC(
        config,
        RecordEpisodeStatistics(env),
        env_params,
        Network(feature_extractor, memory, heads.SquashedGaussian(action_dim)),
        Network(feature_extractor, memory, heads.Twin(heads.ContinuousQNetwork(hidden=(features,)))),
        optax.adam(1e-3),
    )


def main(
    task: str = "brax::inverted_pendulum-positions",
    num_envs: int = 16,
    chunks: int = 10,
    steps_a_chunk: int = 4_096,
    learning_starts: int = 2_048,
    batch_size: int = 32,
    features: int = 64,
) -> list[dict]:
    config = SACConfig(
        num_envs=num_envs,
        num_steps=8,
        buffer_size=65_536,
        learning_starts=learning_starts,
        batch_size=batch_size,
        sequence_length=16,
        burn_in=8,
        temperature=0.1,  # where it begins: less noise than 1, for rewards of 1 a step
        normalize_observations=True,
    )
    agent = make_agent(task, config, features)
    state = agent.init(jax.random.key(0))
    state = agent.warmup(jax.random.key(1), state, learning_starts)  # fills the buffer
    train = lox.spool(agent.train)
    rows = []
    print("    step  gradient steps   return  length  entropy  temperature")
    for chunk in range(chunks):
        state, logs = train(jax.random.fold_in(jax.random.key(2), chunk), state, steps_a_chunk)
        episodes = logs["episode/count"].sum()
        row = {
            "step": int(state.step),
            "updates": int(state.updates),
            "return": float(logs["episode/return_sum"].sum() / episodes),
            "length": float(logs["episode/length_sum"].sum() / episodes),
            "entropy": float(logs["sac/entropy"].mean()),
            "temperature": float(logs["sac/temperature"][-1]),
        }
        rows.append(row)
        step, updates, returned, length, entropy, temperature = row.values()
        print(f"{step:8,}  {updates:14,}  {returned:7.1f}  {length:6.0f}  {entropy:7.2f}  {temperature:11.3f}")
    return rows


if __name__ == "__main__":
    main()
