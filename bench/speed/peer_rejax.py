"""rejax on the workloads that it can do, in an environment of its own with rejax in place of memorax.

python -m speed.peer_rejax W5          # as `speed.workloads` prints it
"""

import json
import resource
import sys
import time

import jax

from speed import quiet

WIDTHS = {"hidden_layer_sizes": (64, 64), "activation": "tanh"}
NOTHING = {"eval_callback": lambda *_: (), "skip_initial_evaluation": True}
WORKLOADS = {  # algorithm, settings, environment steps of an iteration, iterations a call
    "W5": (
        "PPO",
        {
            "agent_kwargs": WIDTHS, "num_envs": 64, "num_steps": 128, "num_epochs": 4, "num_minibatches": 8,
            "learning_rate": 2.5e-4, "max_grad_norm": 0.5, "clip_eps": 0.2, "ent_coef": 0.01, "gae_lambda": 0.95,
        },
        64 * 128,
        50,
    ),
    "DQN64": (
        "DQN",
        {
            "agent_kwargs": {"activation": "relu"}, "num_envs": 10, "num_epochs": 1, "batch_size": 64,
            "buffer_size": 10_000, "fill_buffer": 1_000, "learning_rate": 2.5e-4, "target_update_freq": 500,
            "ddqn": False,
        },
        10,
        5000,
    ),
}  # fmt: skip


def main(name: str, turns: int) -> None:
    import rejax  # asv imports every file of this folder, where rejax is not

    algorithm, settings, steps, iterations = WORKLOADS[name]
    agent = getattr(rejax, algorithm).create(env="CartPole-v1", total_timesteps=10**7, **settings)
    agent = agent.replace(**NOTHING)
    state = jax.block_until_ready(jax.jit(agent.init_state)(jax.random.key(0)))
    begin = time.perf_counter()
    train = jax.jit(
        lambda state: jax.lax.scan(lambda state, _: (agent.train_iteration(state), None), state, None, iterations)[0],
        donate_argnums=0,
    )
    lowered = train.lower(state)
    traced_at = time.perf_counter()
    program = lowered.compile()
    compiled_at = time.perf_counter()
    held = [state]

    def call() -> None:
        held[0] = jax.block_until_ready(program(held[0]))

    taken = quiet.turns(call, turns)
    found = {
        "steps_per_s": [steps * iterations / seconds for seconds in taken.seconds],
        "others": taken.others,
        "cores": taken.cores,
        "trace_s": traced_at - begin,
        "compile_s": compiled_at - traced_at,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "jax": jax.__version__,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
