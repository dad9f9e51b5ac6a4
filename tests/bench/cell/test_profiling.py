"""Profiles of tiny cells, really trained: what is measured moves with what takes the time."""

import gzip
import json
import time
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import pytest

from memorax.environments.wrappers.base import Wrapper
from memorax_bench.cell import build, products, runner, tracing
from memorax_bench.cell.profiling import Request, measure
from memorax_bench.identity import seed_key_words
from memorax_bench.suite.load import load_suite

EVERY, SEGMENTS = 512, 5
TOTAL = 4 * EVERY
REPLAYING = (  # waits for two segments before it learns
    "~algorithms.ppo",
    "+algorithms.dqn={num_envs: 8, num_steps: 16, period: 8, buffer_size: 2048, learning_starts: 1024, batch_size: 4, "
    "sequence_length: 8, burn_in: 0, gradient_steps: 1, epsilon_steps: 1024}",
)


def profiled(*overrides, folder=None, chunks=1):
    arguments = [f"protocol.eval_every={EVERY}", f"protocol.total_env_steps={TOTAL}", "protocol.eval_episodes=2"]
    config = load_suite("smoke", ["tasks=higher-lower", *arguments, *overrides]).cells[0].config
    words = partial(seed_key_words, "b" * 64, "higher-lower")
    said = []
    made = measure(Request(config, words, (0, 1), 3, chunks, SEGMENTS, folder), said.append)
    assert [line.partition(":")[0] for line in said if line.startswith("segment ")] == [
        f"segment {number} of {SEGMENTS + 1}" for number in range(1, SEGMENTS + 2)
    ]
    return made


@pytest.fixture(scope="module", autouse=True)
def unchecked():
    """Without the gates, which compile much, and nothing of which is looked at here; with small products."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "measure_torso", lambda *_: time.sleep(0.01) or {})
        patch.setattr(runner, "measure_agent", lambda *_: {"pass": True})
        patch.setattr(runner, "step_seconds", lambda *_: 0.0)
        patch.setattr(products, "_LARGE", {"cpu": (256, 4)})  # on some processors tests compile products to naive loops
        patch.setattr(products, "_FLOPS", 1e7)
        jax.config.update("jax_disable_most_optimizations", False)  # unfused, a trace holds a hundred times the events
        yield
        jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture(scope="module")
def gru(unchecked, tmp_path_factory):
    return profiled("torsos=gru", folder=tmp_path_factory.mktemp("trace"), chunks=2)


def test_phases_make_up_the_cell(gru):
    names = ["trace", "compile", "init", "rollout", "environment", "update", "evaluation", "checks", "host", "record"]
    assert [phase.name for phase in gru.phases] == names
    assert all(second > 0 for phase in gru.phases for second in phase.seconds if phase.name != "update")
    assert {
        name: len(gru.phase(name).seconds) for name in ("rollout", "environment", "update", "host")
    } == dict.fromkeys(("rollout", "environment", "update", "host"), SEGMENTS)
    times = {phase.name: phase.times for phase in gru.phases}
    segments = 2 * TOTAL // EVERY  # of two chunks
    assert times["rollout"] == times["environment"] == times["update"] == times["host"] == segments
    assert (times["trace"], times["compile"], times["init"], times["checks"]) == (1, 1, 4, 2)
    assert times["evaluation"] == segments + 4  # of each chunk once before, and once as a gate
    assert sum(gru.share(phase.name) for phase in gru.phases if phase.within is None) == pytest.approx(1.0)
    assert gru.phase("environment").within == "rollout"
    assert gru.phase("rollout").env_steps == 2 * EVERY  # of the two seeds; the third is padding


def test_costs(gru):
    cost, flops = gru.cost, gru.cost.flops
    assert flops["acting"] + flops["learning"] == pytest.approx(flops["training"])
    assert 0 == flops["environment"] < flops["acting"] < flops["learning"]
    counted = sum(one.flops for one in gru.operations) / (3 * EVERY)
    assert flops["training"] == counted
    seconds = gru.phase("rollout").median + gru.phase("update").median
    assert cost.gflops == pytest.approx(3 * EVERY * counted / seconds / 1e9, rel=0.5)
    assert 0 < cost.torso_parameters < cost.parameters
    assert cost.state_bytes == 16 * 4
    assert min(cost.temporary_bytes, cost.argument_bytes, cost.executable_bytes, cost.stablehlo_lines) > 100


def test_rates_are_of_products_that_the_cell_has(gru):
    large, *own = gru.rates
    assert large.sizes == (1, 256, 256, 256)
    assert own and {rate.sizes for rate in own} <= {one.sizes for one in gru.operations}
    assert all(0.001 < rate.gflops <= 3 * large.gflops for rate in own)


def test_the_trace_holds_what_the_program_did(gru):
    trace = gru.trace
    assert isinstance(trace, tracing.Trace), trace
    with gzip.open(trace.perfetto) as file:
        events = [event for event in json.load(file)["traceEvents"] if event.get("ph") == "X"]
    named = {event["name"] for event in events}
    assert len(events) >= trace.events > 1000
    assert {one.instruction.name for one in trace.executed} <= named
    assert sum(one.share for one in trace.executed) == pytest.approx(1.0)
    places = {one.instruction.place for one in trace.executed}
    assert any("gru.py:" in place for place in places)
    assert trace.updates == 1  # of 8 x 64 steps: the whole segment


@dataclass(frozen=True)
class Slow(Wrapper):
    """Each step takes long, and is the same otherwise."""

    def reset_env(self, key, params):
        return self.env.reset_env(key, params)

    def step_env(self, key, state, action, params):
        observation, state, reward, *rest = self.env.step_env(key, state, action, params)
        lost = jax.lax.fori_loop(0, 3000, lambda _, x: jnp.sin(x) + 0.1, reward)
        return observation, state, reward + 1e-9 * lost, *rest


def least(made, phase):
    """Of its seconds, which other processes can only make more."""
    return min(made.phase(phase).seconds)


def test_a_slow_environment_is_seen(gru, monkeypatch):
    made = build.make

    def slow(*arguments, **options):
        env, params = made(*arguments, **options)
        return Slow(env), params

    monkeypatch.setattr(build, "make", slow)
    found = profiled("torsos=mlp", *REPLAYING)
    assert least(found, "environment") > 0.5 * least(found, "rollout")
    assert least(found, "environment") > 3 * least(gru, "environment")
    assert found.share("rollout") > found.share("update")


def test_a_heavy_torso_is_seen(gru):
    found = profiled("torsos=gru", "torsos.gru.features=192")
    update, base = (least(made, "update") / least(made, "environment") for made in (found, gru))
    assert update > 2 * base
    assert found.cost.flops["learning"] > 10 * gru.cost.flops["learning"]


HLO = """\
HloModule jit_train

FileNames
1 "{ours}/algorithms/ppo.py"
2 "{ours}/algorithms/base.py"
3 "/usr/lib/somewhere.py"

FileLocations
1 {{file_name_id=1 function_name_id=1 line=10 end_line=10 column=1 end_column=2}}
2 {{file_name_id=2 function_name_id=1 line=20 end_line=20 column=1 end_column=2}}

StackFrames
1 {{file_location_id=1 parent_frame_id=1}}
2 {{file_location_id=2 parent_frame_id=2}}

ENTRY %main {{
  %add.1 = f32[] add(%x, %y), metadata={{op_name="jit(train)/while/body/add" stack_frame_id=2}}
  ROOT %dot.2 = f32[] dot(%x, %y)
}}
"""


def test_instructions_come_from_lines_that_the_program_was_written_in():
    text = HLO.format(ours=tracing.__file__.partition("/bench/")[0] + "/memorax")
    found = tracing.instructions(text)
    assert found["add.1"] == tracing.Instruction("add.1", "add", "memorax/algorithms/base.py:20")
    assert found["dot.2"] == tracing.Instruction("dot.2", "", "")
    # what jax compiled first for another program: the caller of this one
    assert tracing.instructions(text, {"memorax/algorithms/ppo.py:10"})["add.1"].place == "memorax/algorithms/ppo.py:10"


def events(*named):
    return list(tracing._own_times(iter(named)))


def test_own_times_are_without_what_lies_within():
    found = events(("while", 0.0, 10.0), ("a", 1.0, 3.0), ("b", 2.0, 3.0), ("a", 5.0, 9.0), ("c", 11.0, 12.0))
    own = {}
    for event in found:
        own[event.name] = own.get(event.name, 0.0) + event.own
    assert own == {"while": 4.0, "a": 5.0, "b": 1.0, "c": 1.0}


def test_whole_updates_are_counted_from_one_to_the_next():
    named = [("keys", 0.1 * k, 0.1 * k + 0.05) for k in range(3)]  # a loop before the first update
    for update in range(3):
        begin = 1.0 + 10 * update
        named += [("update", begin, begin + 0.5)] + [("step", begin + 1 + k, begin + 1.5 + k) for k in range(4)]
    named.append(("step", 32.0, 32.5))
    whole, updates = tracing._whole_updates(events(*named), update_seconds=8.0)
    assert updates == 2
    assert [event.name for event in whole].count("step") == 8
    assert {event.name for event in whole} == {"update", "step"}
    assert tracing._whole_updates(events(*named[3:8]), update_seconds=8.0) is None  # steps: faster than updates
    assert tracing._whole_updates(events(*named[:1]), update_seconds=8.0) is None
