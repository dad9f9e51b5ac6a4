"""A tour: an environment, networks, an agent that acts, learns and is evaluated, and what it logged on the way.

The task shows a card a step and asks for the one of three steps before; to guess earns -0.5, to remember 1.
"""

import flax.linen as nn
import jax
import optax

from memorax import lox
from memorax.algorithms import PPO, PPOConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import RNN, FeatureExtractor, GRUCell, GRUConfig, Identity, Network, heads


def make_agent(num_envs: int, num_steps: int, features: int) -> PPO:
    env, env_params = make("popgym::RepeatPreviousEasy")
    env = RecordEpisodeStatistics(env)  # what makes returns appear in the logs

    feature_extractor = FeatureExtractor(
        observation_extractor=nn.Sequential((nn.Dense(features), nn.relu)),
        action_extractor=nn.Dense(features),  # of the previous action
        start_extractor=Identity(),
    )
    memory = RNN(cell=GRUCell(config=GRUConfig(features=features)))
    actor = Network(feature_extractor, torso=memory, head=heads.Categorical(env.action_space(env_params).n))
    critic = heads.VNetwork()  # a bare head reads the memory of the actor

    config = PPOConfig(num_envs=num_envs, num_steps=num_steps, num_minibatches=4, update_epochs=4)
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-3))
    return PPO(config, env, env_params, actor, critic, optimizer)


def main(
    num_envs: int = 16,
    num_steps: int = 128,
    total_steps: int = 400_000,
    num_episodes: int = 128,
    features: int = 64,
) -> dict:
    agent = make_agent(num_envs, num_steps, features)
    init_key, warmup_key, train_key, before_key, after_key = jax.random.split(jax.random.key(0), 5)

    state = agent.init(init_key)
    state = agent.warmup(warmup_key, state, num_steps=1)  # a rollout is the least: it acts, and learns nothing
    before = agent.evaluate(before_key, state, num_episodes)

    train = lox.spool(agent.train)
    state, logs = train(train_key, state, total_steps)  # compiled by its first call; logs: one row an update
    after = agent.evaluate(after_key, state, num_episodes)

    returns = logs["episode/return_sum"] / logs["episode/count"]  # of the episodes that ended in each update
    print("     step   return  entropy  replay error")
    for row in range(0, len(returns), max(len(returns) // 10, 1)):
        entropy, error = logs["ppo/entropy"][row], logs["replay/error"][row]
        print(f"{logs['step'][row]:9,}  {returns[row]:7.2f}  {entropy:7.2f}  {error:12.0e}")
    print(
        f"mean return of {num_episodes} episodes: {before.returns.mean():.2f} before, {after.returns.mean():.2f} after"
    )
    return {"before": before.returns, "after": after.returns, "logs": logs}


if __name__ == "__main__":
    main()
