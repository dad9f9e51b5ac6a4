"""Whether what is fast learns as what is plain: returns of PPO with a torso after some steps, seed by seed.

python -m speed.learning gru           # as shipped
python -m speed.learning gru:autodiff  # the same, by a plain scan
"""

import functools
import json
import sys

import jax
import numpy as np

from memorax import lox
from speed.workloads import ppo

SEEDS, STEPS, LAST = 8, 262_144, 4  # the score is the mean return of the last updates


def main(torso: str) -> None:
    agent = functools.partial(ppo, 64, 64, 128)(torso, False, rate=1e-3)

    def run(key: jax.Array) -> jax.Array:
        init_key, key = jax.random.split(key)
        logs = lox.spool(agent.train)(key, agent.init(init_key), STEPS)[1]
        return logs["episode/return_sum"][-LAST:].sum() / logs["episode/count"][-LAST:].sum()

    scores = jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), SEEDS))
    print(json.dumps({"torso": torso, "steps": STEPS, "scores": np.asarray(scores).tolist()}))


if __name__ == "__main__":
    main(sys.argv[1])
