"""A suite file: what it becomes, and every way in which it can be wrong."""

import json
import subprocess
import sys

import pytest

from memorax_bench.errors import Problem, UsageProblems, nearest
from memorax_bench.identity import canonical_json
from memorax_bench.suite import grid
from memorax_bench.suite.load import frozen_hashes, load_suite, shipped_suites
from memorax_bench.suite.schema import suite_schema


def problems(path, *overrides, catalogue=None) -> str:
    with pytest.raises(UsageProblems) as caught:
        load_suite(path, overrides, catalogue=catalogue)
    assert caught.value.exit_code == 2
    return str(caught.value)


PENDULUM = (
    "  higher:",
    '  swing: {id: "gymnax::Pendulum-v1", task_version: 1, family: P, hard_min: -2e3, hard_max: 0, floor: -1e3}\n'
    "  higher:",
)


def test_grid_and_config(tiny):
    assert (tiny.label, tiny.seeds, tiny.frozen_changed) == ("tiny@1", (0, 1, 2), False)
    assert [cell.labels for cell in tiny.cells] == [
        (task, "ppo", torso) for task in ("repeat", "higher") for torso in ("mlp", "mlp-prev", "gru", "lru")
    ]
    cells = {cell.labels: cell for cell in tiny.cells}
    gru, lru = cells["repeat", "ppo", "gru"], cells["higher", "ppo", "lru"]
    assert gru.task.floor == -0.5
    assert gru.role is None
    assert gru.config["algorithm"]["settings"]["learning_rate"] == 1e-3
    assert gru.config["algorithm"]["settings"]["gae_lambda"] == 0.95
    assert "gamma" not in gru.config["algorithm"]["settings"]
    assert "min_seeds" not in gru.config["protocol"]
    assert gru.config["task"] == {"id": "popgym::RepeatPreviousEasy", "kwargs": {}, "task_version": 1}
    assert lru.config["algorithm"]["settings"]["learning_rate"] == 3e-4
    assert lru.config["protocol"]["total_env_steps"] == 32_768
    assert lru.config["torso"]["settings"]["state_dim"] is None
    assert json.loads(canonical_json(gru.config)) == gru.config


def test_the_options_of_tasks_are_typed(write_suite):
    options = "task_version: 1, kwargs: {capacity: 1e2}, family: RepeatPrevious"
    found = load_suite(write_suite(("task_version: 1, family: RepeatPrevious", options)))
    assert found.suite.tasks["repeat"].kwargs == found.cells[0].task.kwargs == {"capacity": 100}
    assert found.cells[0].config["task"]["kwargs"] == {"capacity": 100}


def test_a_control_sees_only_its_inputs(tiny):
    mlp = next(cell for cell in tiny.cells if cell.torso_label == "mlp")
    assert mlp.role == "control"
    assert mlp.config["torso"]["inputs"] == mlp.config["protocol"]["inputs"] == ["observation"]


def test_config_hash_leaves_out_what_changes_no_number(tiny, write_suite):
    other = load_suite(
        write_suite(
            ("floor: -0.5", "floor: -0.4"),
            ("repeat:", "renamed:"),
            ("tasks: [repeat]", "tasks: [renamed]"),
            ("name: tiny", "name: other"),
            ("  seeds: 3", "  seeds: [7]"),
            ("role: control,", ""),
        )
    )
    assert [cell.config_hash for cell in other.cells] == [cell.config_hash for cell in tiny.cells]


def test_null_is_a_value_of_what_is_optional(write_suite):
    suite = load_suite(write_suite(("kind: measured", "kind: null, n: null, standard_error: none, source: null")))
    task = suite.suite.tasks["higher"]
    assert (task.kind, task.n, task.standard_error, task.source) == (None, None, None, None)


REFORMATTED = [
    ("description", ('"Does memory help?"', "another text")),
    ("a comment", ("tasks:\n", "# comment\ntasks: # more\n")),
    ("numbers", ("65_536", "6.5536e4")),
    ("quotes", ("family: HigherLower", "'family': 'HigherLower'")),
    ("key order", ("hard_min: -1, hard_max: 1, floor: 0.0", "floor: 0, hard_max: 1.0, hard_min: -1e0")),
    ("a default written out", ("kind: exact}", "kind: exact, rank: true, ceiling: 1.0}")),
    ("order of inputs", ("[observation, previous_action, start]", "[start, observation, previous_action]")),
    ("entries", ("num_envs: 16", "num_envs: 32")),
]


@pytest.mark.parametrize(("what", "change"), REFORMATTED, ids=[what for what, _ in REFORMATTED])
def test_benchmark_hash_stays(tiny, write_suite, what, change):
    if what == "a default written out":
        change = (change[0], "kind: exact, rank: true}")
    assert load_suite(write_suite(change)).benchmark_hash == tiny.benchmark_hash


@pytest.mark.parametrize(
    "change",
    [
        ("65_536", "131_072"),
        ("floor: -0.5", "floor: -0.4"),
        ("reps: 1_000", "reps: 2_000"),
        ("correction: holm", "correction: none"),
        ("discount: 0.99", "discount: 0.98"),
    ],
)
def test_benchmark_hash_moves_with_the_frozen_part(tiny, write_suite, change):
    assert load_suite(write_suite(change)).benchmark_hash != tiny.benchmark_hash


BAD = [
    ("unknown key", ("gru: {features: 64}", "gru: {featurs: 64}"), "tiny.yaml:21  entries.torsos.gru.featurs = 64"),
    ("its nearest match", ("gru: {features: 64}", "gru: {featurs: 64}"), "did you mean 'features'?"),
    ("unknown section", ("scoring:", "scorin:"), "tiny.yaml:12  scorin"),
    ("unknown protocol key", ("eval_every", "eval_evry"), "did you mean 'eval_every'?"),
    ("missing key", (" min_seeds: 3", ""), "protocol.min_seeds\n  missing key"),
    ("wrong type", ("num_envs: 16", "num_envs: 1.5"), "algorithms.ppo.num_envs = 1.5\n  not a whole number"),
    ("mapping expected", ("gru: {features: 64}", "gru: 64"), "torsos.gru = 64\n  expected a mapping"),
    ("truth value", ("share_torso: true", "share_torso: yes"), "network.share_torso = yes\n  not a truth value"),
    ("nan", ("discount: 0.99", "discount: .nan"), "discount = .nan\n  not a finite number"),
    ("out of range", ("discount: 0.99", "discount: 1.5"), "must be less than or equal to 1"),
    ("choice", ("eval_policy: sample", "eval_policy: samples"), "allowed: sample, greedy\n  did you mean 'sample'?"),
    ("unknown task", ("RepeatPreviousEasy", "RepeatPreviousEazy"), "did you mean 'popgym::RepeatPreviousEasy'?"),
    ("unknown torso", ("type: mlp", "type: mpl"), "torsos.mlp-prev.type = mpl\n  unknown torso 'mpl'; allowed: "),
    ("unknown algorithm", ("ppo: {num_envs", "ppp: {num_envs"), "unknown algorithm 'ppp'; allowed: "),
    ("algorithm type", ("{num_envs: 16", "{type: [ppo], num_envs: 16"), "unknown algorithm '['ppo']'"),
    ("torso type", ("type: mlp", "type: {a: b}"), "torsos.mlp-prev.type = {'a': 'b'}\n  expected a name"),
    ("gamma", ("num_envs: 16", "gamma: 0.9"), "set protocol.discount"),
    ("task version", ("task_version: 1, family: H", "task_version: 2, family: H"), "has version 1 of popgym::Higher"),
    ("task option", ("kind: exact", "kind: exact, kwargs: {k: 3}"), "tasks.repeat.kwargs.k = 3\n  unknown key"),
    ("duplicate", ("name: tiny", "name: tiny\nname: tiny"), "tiny.yaml:3  name\n  duplicate key"),
    ("tag", ("  seeds: 3", "  seeds: !!python/name:os.system 3"), "entries.seeds\n  tag '!!python/name:os.system'"),
    ("interpolation", ("  seeds: 3", "  seeds: ${x}"), "interpolation"),
    ("anchor", ("  seeds: 3", "  seeds: &n 3"), "anchor '&n'"),
    ("label", ("gru: {", "Gru: {"), "a label is a folder name"),
    ("inputs", ("[observation]", "[start]"), "must contain 'observation'"),
    ("more inputs", ("[observation]", "[observation, previous_reward]"), "is not among protocol.inputs"),
    ("unknown input", ("[observation]", "[observation, reward]"), "unknown input 'reward'"),
    ("role", ("role: control", "role: judge"), "unknown role; allowed: control, oracle"),
    ("seeds", ("  seeds: 3", "  seeds: 0"), "the number of seeds"),
    ("no seeds", ("  seeds: 3", "  seeds: []"), "no seeds"),
    ("seed twice", ("  seeds: 3", "  seeds: [1, 1]"), "a seed is listed twice"),
    ("negative seed", ("  seeds: 3", "  seeds: [-1]"), "a seed is from 0"),
    ("floor", ("floor: -0.5", "floor: 1.0"), "tasks.repeat.floor = 1.0\n  must be below ceiling = 1.0"),
    ("hard bounds", ("hard_min: -1, hard_max: 1, floor: -0.5", "hard_min: 1, hard_max: 1, floor: -0.5"), "hard_max"),
    ("outside", ("floor: -0.5", "floor: -3"), "outside of hard_min = -1.0"),
    ("total", ("total_env_steps: 65_536", "total_env_steps: 65_000"), "nearest: 49152 or 65536"),
    ("task total", ("total_env_steps: 32_768", "total_env_steps: 30_000"), "tasks.higher.total_env_steps = 30000"),
    ("eval_every", ("num_steps: 128", "num_steps: 100"), "num_envs 16 * num_steps 100 = 1600 steps"),
    ("eval_every fix", ("num_steps: 128", "num_steps: 100"), "nearest: 16000 or 17600"),
    ("eval_every fits", ("16_384", "1_024"), "nearest: 2048"),
    ("minibatches", ("num_envs: 16", "num_envs: 16, num_minibatches: 3"), "allowed: 1, 2, 4, 8, 16"),
    (
        "schedule",
        ("num_envs: 16", "num_envs: 16, anneal_steps: 40_000"),
        "longer than the smallest budget of its tasks",
    ),
    ("schedule fix", ("num_envs: 16", "num_envs: 16, anneal_steps: 40_000"), "use at most 32768, or train longer"),
    ("no environments", ("num_envs: 16", "num_envs: 0"), "must be at least 1"),
    ("ranking task", ("tasks: [repeat]", "tasks: [repeet]"), "no task 'repeet'; allowed: repeat, higher"),
    ("ranking algorithm", ("algorithms: [ppo]", "algorithms: [dqn]"), "no algorithm 'dqn'"),
    ("baseline", ("baseline: gru", "baseline: gruu"), "did you mean 'gru'?"),
    ("unrankable", ("tasks: [repeat]", "tasks: [higher]"), "'higher' cannot be ranked: it says rank: false"),
    ("no ceiling", ("ceiling: 1.0, ", ""), "'repeat' cannot be ranked: it has no ceiling"),
    ("when", ("torso: lru}", "torso: lrru}"), "overrides[0].when.torso = lrru\n  no torso 'lrru'"),
    ("when axis", ("{torso: lru}", "{torsos: lru}"), "allowed: task, algorithm, torso"),
    ("set", ("set: {algorithm.learning_rate", "set: {algorithm.lerning_rate"), "did you mean 'learning_rate'?"),
    ("set what", ("set: {algorithm.", "set: {protocol."), "an override sets something of the algorithm, torso or netw"),
    ("set value", ("learning_rate: 3e-4", "learning_rate: fast"), "learning_rate = fast\n  not a finite number"),
    ("set nothing", ("set: {algorithm.learning_rate: 3e-4}", "set: {}"), "empty; at least one is needed"),
    ("schema", ("schema: 1", "schema: 2"), "schema = 2\n  unknown value; allowed: 1"),
    ("version", ("version: 1", "version: -1"), "must be greater than or equal to 0"),
    ("duplicate entry", ("  seeds: 3", "  seeds: 3\n  torsos: {}"), "duplicate key, first given on line 16"),
    ("no torsos", ("torsos:\n    mlp:", "torsos: {}\n  x:\n    mlp:"), "torsos\n  empty; at least one is needed"),
]


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_suite(write_suite, change, message):
    assert message in problems(write_suite(change))


def test_all_problems_at_once(write_suite):
    changes = (
        ("num_envs: 16", "num_envs: x"),
        ("discount: 0.99", "discount: 2"),
        ("gru: {features", "gru: {featurs"),
        ("RepeatPreviousEasy", "RepeatPrevEasy"),
        ("baseline: gru", "baseline: x"),
        ("torso: lru}", "torso: lrru}"),
        ("name: tiny", "name: tiny\nname: tiny"),
    )
    text = problems(write_suite(*changes))
    for key in ("num_envs", "discount", "featurs", "tasks.repeat.id", "baseline", "when.torso", "duplicate"):
        assert key in text
    lines = [int(line.split("yaml:")[1].split()[0]) for line in text.splitlines() if "yaml:" in line]
    assert lines == sorted(lines)


def test_not_applicable_combinations(write_suite, discrete_only):
    path = write_suite(PENDULUM)
    suite = load_suite(path, catalogue=discrete_only)
    assert "swing" not in {cell.task_label for cell in suite.cells}
    (pair,) = suite.not_applicable
    assert (pair.task_label, pair.algorithm_label) == ("swing", "ppo")
    assert pair.reason == "ppo acts in discrete action spaces; gymnax::Pendulum-v1 is continuous"
    assert load_suite(path, ["tasks=[swing,higher]"], catalogue=discrete_only).not_applicable
    named = problems(path, "tasks=[swing,higher]", "algorithms=[ppo]", catalogue=discrete_only)
    assert "tasks.swing\n  impossible with ppo: ppo acts in discrete" in named
    assert "no task is left" in problems(path, "tasks=[swing]", catalogue=discrete_only)


def test_include(write_suite, tmp_path):
    (tmp_path / "more.yaml").write_text(
        "torsos: {gru: {features: 32}, mamba2: {features: 64}}\n"
        "overrides: [{when: {torso: lru}, set: {algorithm.learning_rate: 1}}]\n"
    )
    suite = load_suite(write_suite(("  seeds: 3", "  seeds: 3\n  include: more.yaml")))
    cells = {cell.torso_label: cell.config for cell in suite.cells}
    assert cells["gru"]["torso"]["settings"]["features"] == 64
    assert "mamba2" in cells
    assert cells["lru"]["algorithm"]["settings"]["learning_rate"] == 3e-4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no file 'more.yaml'"),
        ("include: x.yaml\n", "cannot include another"),
        ("torsos: {no-such: {}}\n", "more.yaml:1  entries.torsos.no-such\n  unknown torso"),
        ("overrides: [{when: {torso: x}, set: {algorithm.num_envs: 1}}]\n", "more.yaml:1  entries.overrides[0].when"),
        ("tasks: {}\n", "more.yaml:1  entries.tasks\n  unknown key"),
        ("torsos: [\n", "not valid YAML"),
    ],
)
def test_bad_include(write_suite, tmp_path, text, message):
    if text is not None:
        (tmp_path / "more.yaml").write_text(text)
    assert message in problems(write_suite(("  seeds: 3", "  seeds: 3\n  include: more.yaml")))


def test_unknown_shipped_suite_and_missing_file(tmp_path):
    assert "no suite 'qick'" in problems("qick")
    assert "cannot be read" in problems(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_shipped_suites_are_sound_and_their_frozen_part_is_the_published_one(name):
    suite = load_suite(name)
    assert suite.name == name
    if suite.version > 0:
        key = f"{name}@{suite.version}"
        assert frozen_hashes().get(key) == suite.benchmark_hash, (
            f"the frozen part of {key} is not the published one: raise its version, "
            f'and add "{name}@{suite.version}": "{suite.benchmark_hash}" to suites/frozen.json'
        )


def test_schema_export():
    schema = suite_schema()
    assert schema["additionalProperties"] is False
    assert {"schema", "protocol", "entries"} <= schema["properties"].keys()


def test_importing_costs_no_heavy_library():
    names = "suite.load suite.overrides records.store records.claims records.record running.plan verbs.plan_screen"
    code = f"import sys\nfor n in {names.split()}: __import__('memorax_bench.' + n)\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "bench"}
    ).stdout.split()
    assert not {"jax", "numpy", "scipy", "pandas", "rich"} & set(loaded)


def test_problem_text():
    problem = Problem("unknown key", "suites/quick.yaml", 12, "torsos.gru.featurs", "64", ["features"], "did you ...?")
    assert str(problem) == (
        "suites/quick.yaml:12  torsos.gru.featurs = 64\n  unknown key; allowed: features\n  did you ...?"
    )


@pytest.mark.parametrize(("value", "name"), [("gruu", "gru"), ("GRU", "gru"), ("zzz", None), ("", None)])
def test_nearest(value, name):
    assert nearest(value, ["gru", "lru"]) == name


def test_cells_are_not_hashed_before_anybody_asks(monkeypatch):
    """`ls suites` resolves twelve thousand cells and shows how many there are."""
    asked = []
    monkeypatch.setattr(grid, "config_hash", lambda config: asked.append(config) or "hash")
    cells = load_suite("quick").cells
    assert len(cells) > 5 and not asked
    assert cells[0].config_hash == cells[0].config_hash == "hash" and asked == [cells[0].config]
