"""R2D2 with a GRU and prioritised replay of windows, on bsuite's memory length.

A bit is shown at the start of an episode and asked for at its end; in between there is noise. To forget it earns 0.
"""

import flax.linen as nn
import jax
import optax

from memorax import lox
from memorax.algorithms import R2D2, R2D2Config
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import RNN, FeatureExtractor, GRUCell, GRUConfig, Network, heads


def main(
    memory_length: int = 10,
    num_envs: int = 16,
    chunks: int = 10,
    steps_a_chunk: int = 16_384,
    learning_starts: int = 2_048,
    batch_size: int = 32,
    features: int = 64,
) -> list[dict]:
    env, env_params = make("gymnax::MemoryChain-bsuite", memory_length=memory_length)
    config = R2D2Config(
        num_envs=num_envs,
        num_steps=8,
        gamma=0.99,
        buffer_size=32_768,
        learning_starts=learning_starts,
        batch_size=batch_size,
        sequence_length=memory_length + 6,  # windows span several episodes; start flags clear the memory between them
        burn_in=8,  # the steps that only bring the stored memory up to date
        period=4,  # a memory is stored, and a window may begin, every 4 steps
        target_period=100,
        priority_exponent=0.9,
        importance_exponent=0.6,
    )
    network = Network(
        FeatureExtractor(
            observation_extractor=nn.Sequential((nn.Dense(features), nn.relu)), action_extractor=nn.Dense(features)
        ),
        torso=RNN(cell=GRUCell(config=GRUConfig(features=features))),
        head=heads.DuelingQNetwork(env.action_space(env_params).n),
    )
    agent = R2D2(config, RecordEpisodeStatistics(env), env_params, network, optax.adam(1e-3))

    state = agent.init(jax.random.key(0))
    state = agent.warmup(jax.random.key(1), state, learning_starts)  # fills the buffer
    train = lox.spool(agent.train)
    rows = []
    print("    step  gradient steps  loss   return  without exploring")
    for chunk in range(chunks):
        train_key, evaluate_key = jax.random.split(jax.random.fold_in(jax.random.key(2), chunk))
        state, logs = train(train_key, state, steps_a_chunk)
        evaluation = agent.evaluate(evaluate_key, state, num_episodes=64, deterministic=True)
        rows.append(
            {
                "step": int(state.step),
                "updates": int(state.updates),
                "loss": float(logs["q/loss"].mean()),
                "return": float(logs["episode/return_sum"].sum() / logs["episode/count"].sum()),
                "greedy": float(evaluation.returns.mean()),
            }
        )
        step, updates, loss, acted, greedy = rows[-1].values()
        print(f"{step:8,}  {updates:14,}  {loss:.3f}  {acted:6.2f}  {greedy:17.2f}")
    return rows


if __name__ == "__main__":
    main()
