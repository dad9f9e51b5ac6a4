"""How fast, and with how much work, PPO with a GRU learns RepeatPreviousEasy."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.monitoring
import optax

from memorax.algorithms import PPO, PPOConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import RNN, FeatureExtractor, GRUCell, GRUConfig, Identity, Network, heads
from memorax_bench.cell.cost import count_flops

STEPS = 8192  # environment steps a call, in 4 updates


def make_agent(features: int = 64, **settings: int) -> PPO:
    """The agent that is measured, with other `settings` of its PPOConfig where asked for."""
    env, env_params = make("popgym::RepeatPreviousEasy")
    extractor = FeatureExtractor(
        observation_extractor=nn.Sequential((nn.Dense(features), nn.relu)),
        action_extractor=nn.Dense(features),
        start_extractor=Identity(),
    )
    torso = RNN(cell=GRUCell(config=GRUConfig(features=features)))
    actor = Network(extractor, torso, heads.Categorical(action_dim=4))
    config = PPOConfig(**{"num_envs": 16, "num_steps": 128, **settings})
    return PPO(config, RecordEpisodeStatistics(env), env_params, actor, heads.VNetwork(), optax.adam(1e-3))


class PPOWithGRU:
    """Time is that of the steady state: compiled ahead, and called once before. What is tracked is counted, not timed:
    equal on every machine of one kind, so that any change of it is a change of the program."""

    timeout = 300
    number, rounds, repeat, warmup_time = 1, 2, 10, 0
    settings: ClassVar[dict[str, int]] = {}  # of the agent; the tests plant a slowdown here

    train = None

    def setup(self):
        if self.train is not None:
            return  # asv calls this before every sample
        self.trace()
        init_key, self.key = jax.random.split(jax.random.key(0))
        self.state = jax.jit(self.agent.init)(init_key)
        self.train = self.lowered.compile()
        self.time_train_8192_steps()

    def trace(self):
        """What counting needs; compiles nothing."""
        self.agent, key = make_agent(**self.settings), jax.random.key(0)
        train = jax.jit(lambda key, state: self.agent.train(key, state, STEPS))
        traced = train.trace(key, jax.eval_shape(self.agent.init, key))
        self.jaxpr, self.lowered = traced.jaxpr, traced.lower()

    def time_train_8192_steps(self):
        jax.block_until_ready(self.train(self.key, self.state))

    def track_flops(self):
        return count_flops(self.jaxpr) / STEPS

    def track_temporary_memory(self):
        return self.train.memory_analysis().temp_size_in_bytes

    def track_program_size(self):
        return self.lowered.as_text().count("\n")

    def track_compilations(self):
        """Of three calls that hand the state on; above 1, a state comes back with other types than it went in with."""
        events, keys, state = [], list(jax.random.split(self.key, 3)), self.state
        listen = lambda event, _, **__: events.append(event)  # noqa: E731
        jax.monitoring.register_event_duration_secs_listener(listen)
        for key in keys:
            state = self.agent.train(key, state, STEPS)
        jax.monitoring.unregister_event_duration_listener(listen)
        return sum(event.endswith("/backend_compile_duration") for event in events)

    track_flops.unit = "FLOP/environment step"
    track_temporary_memory.unit = "bytes"
    track_program_size.unit = "lines of StableHLO"
    track_compilations.unit = "compilations"
