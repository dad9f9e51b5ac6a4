"""How fast environments step under a random policy."""

import jax

from memorax.environments import make

ENVIRONMENTS, LENGTH = 1024, 512  # their product is the environment steps a call


class RandomPolicy:
    """1024 copies at once in one compiled loop, over the ends of episodes."""

    params = ("popgym::RepeatPreviousEasy", "popgym::HigherLowerEasy")
    param_names = ("environment",)
    timeout = 300
    number, rounds, repeat, warmup_time = 1, 2, 10, 0

    rollout = None

    def setup(self, name: str):
        if self.rollout is not None:
            return  # asv calls this before every sample; another environment is another process
        env, env_params = make(name)
        actions = env.action_space(env_params)
        over_environments = lambda function: jax.vmap(function, in_axes=(0, 0, 0, None))  # noqa: E731

        def step(state, key):
            action_keys, step_keys = jax.random.split(key, (2, ENVIRONMENTS))
            action = jax.vmap(actions.sample)(action_keys)
            observation, state, reward, *_ = over_environments(env.step)(step_keys, state, action, env_params)
            return state, (observation, reward)

        def rollout(key):
            reset_key, key = jax.random.split(key)
            state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(reset_key, ENVIRONMENTS), env_params)[1]
            return jax.lax.scan(step, state, jax.random.split(key, LENGTH))

        self.key = jax.random.key(0)
        self.rollout = jax.jit(rollout).lower(self.key).compile()
        jax.block_until_ready(self.rollout(self.key))

    def time_524288_steps(self, name: str):
        jax.block_until_ready(self.rollout(self.key))
