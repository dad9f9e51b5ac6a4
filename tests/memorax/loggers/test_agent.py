"""Seeds of a real agent, through all loggers that need no service."""

import io

import jax
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from fixtures import agents
from memorax import lox
from memorax.loggers import CheckpointLogger, DashboardLogger, FileLogger, MultiLogger, TensorBoardLogger

pytest.importorskip("tensorboardX", reason="TensorBoardLogger writes with tensorboardX, which is not installed")


def test_what_an_agent_logs_is_what_is_read(tmp_path):
    agent = agents.ppo(agents.torso("mlp"), num_steps=32)
    seeds, screen = 2, Console(file=io.StringIO(), width=120)

    def program(key):
        init_keys, train_keys = jax.random.split(key, (2, seeds))
        state = jax.vmap(agent.init)(init_keys)
        return jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))(train_keys, state, 256)

    state, logs = agents.once(program, jax.random.key(0))
    loggers = [
        FileLogger(tmp_path / "x.csv"),
        FileLogger(tmp_path / "x.jsonl"),
        TensorBoardLogger(tmp_path / "events"),
        CheckpointLogger(tmp_path / "states"),
        DashboardLogger(256, console=screen),
    ]
    with MultiLogger(loggers) as logger:
        logger.log(logs)
        logger.checkpoint(state, step=state.step, score=np.mean(logs["episode/return_sum"]))
        restored = loggers[3].restore(jax.eval_shape(lambda: state))
    for name in ("x.csv", "x.jsonl"):
        table = pd.read_json(tmp_path / name, lines=True) if name[-1] == "l" else pd.read_csv(tmp_path / name)
        assert set(table) == {"seed", *logs} and table.step.tolist() == [128, 128, 256, 256]
        for seed in range(seeds):
            for key, value in logs.items():
                read = table[table.seed == seed][key].to_numpy().astype(value.dtype)
                np.testing.assert_array_equal(read, value[seed], err_msg=key)
    assert len(list((tmp_path / "events").glob("seed_*/events*"))) == seeds
    mean_return = f"{np.mean(logs['episode/return_sum'].sum(1) / logs['episode/count'].sum(1)):.3g}"
    assert f"100%  step 256 of 256  return {mean_return} ±" in screen.file.getvalue()  # an episode has 51 steps
    jax.tree.map(np.testing.assert_array_equal, *(jax.tree.map(raw, tree) for tree in (restored, state)))


def raw(leaf):
    return jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
