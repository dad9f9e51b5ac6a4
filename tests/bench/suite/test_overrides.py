"""The grammar of the command line, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench.errors import UsageProblems
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.overrides import apply_overrides


def torsos(suite):
    return list(dict.fromkeys(cell.torso_label for cell in suite.cells))


GOOD = [
    (["torsos=[lru,gru]"], lambda s: torsos(s) == ["lru", "gru"]),
    (["torsos=gru"], lambda s: torsos(s) == ["gru"]),
    (["entries.torsos=[gru]"], lambda s: torsos(s) == ["gru"]),
    (["torsos=[gru,mamba2]"], lambda s: s.cells[1].config["torso"]["settings"]["features"] == 64),
    (["torsos=[mamba2]", "torsos.mamba2.state_dim=8"], lambda s: _settings(s)["state_dim"] == 8),
    (["~torsos.mlp", "~torsos.mlp-prev"], lambda s: torsos(s) == ["gru", "lru"]),
    (["tasks=higher"], lambda s: {cell.task_label for cell in s.cells} == {"higher"}),
    (["~tasks.higher"], lambda s: {cell.task_label for cell in s.cells} == {"repeat"}),
    (["torsos=gru", "torsos.gru.features=128"], lambda s: _settings(s)["features"] == 128),
    (["torsos=gru", "entries.torsos.gru={features: 32}"], lambda s: _settings(s)["features"] == 32),
    (["+torsos.big={type: gru, features: 1e3}", "torsos=big"], lambda s: _settings(s)["features"] == 1000),
    (["+torsos.v1.5=gru", "torsos.v1.5.features=8", "torsos=v1.5"], lambda s: _settings(s)["features"] == 8),
    (["seeds=5"], lambda s: s.seeds == (0, 1, 2, 3, 4)),
    (["seeds=[4,3]"], lambda s: s.seeds == (3, 4)),
    (["network.encoder=[32,32]"], lambda s: s.cells[0].config["network"]["encoder"] == [32, 32]),
    (["algorithms.ppo.learning_rate=-1e-3", "torsos=gru"], lambda s: _ppo(s)["learning_rate"] == -1e-3),
    (["overrides=[]", "torsos=lru"], lambda s: _ppo(s)["learning_rate"] == 1e-3),
    (["overrides=[{when: {task: [repeat]}, set: {network.embed: 32}}]"], lambda s: _embeds(s) == [32] * 4 + [64] * 4),
]


def _settings(suite):
    return suite.cells[0].config["torso"]["settings"]


def _ppo(suite):
    return suite.cells[0].config["algorithm"]["settings"]


def _embeds(suite):
    return [cell.config["network"]["embed"] for cell in suite.cells]


@pytest.mark.parametrize(("arguments", "holds"), GOOD, ids=[" ".join(arguments) for arguments, _ in GOOD])
def test_override(write_suite, arguments, holds):
    suite = load_suite(write_suite(), arguments)
    assert holds(suite)
    assert suite.label == "tiny@1"
    assert load_suite(write_suite(), arguments[::-1]).cells == suite.cells


@pytest.mark.parametrize(
    "argument",
    [
        "protocol.total_env_steps=131072",
        "tasks.repeat.floor=-0.4",
        "scoring.interval.reps=10",
        "rankings.torsos.baseline=lru",
        "+tasks.first={id: 'popgym::RepeatFirstEasy', task_version: 1, family: R, hard_min: -1, hard_max: 1, floor: 0}",
    ],
)
def test_the_frozen_part_changes_the_label(write_suite, argument):
    suite = load_suite(write_suite(), [argument])
    assert suite.frozen_changed
    assert suite.label == f"tiny@1+{suite.benchmark_hash[:8]}"


@pytest.mark.parametrize("argument", ["protocol.total_env_steps=65536.0", "tasks=repeat", "tasks.repeat.rank=true"])
def test_an_equal_frozen_part_keeps_the_label(write_suite, argument):
    suite = load_suite(write_suite(), [argument])
    assert (suite.label, suite.frozen_changed) == ("tiny@1", False)


BAD = [
    ("torsos.gru.featurs=64", "did you mean 'features'?"),
    ("torsos.gruu.features=64", "no torso 'gruu'; allowed: mlp, mlp-prev, gru, lru\n  did you mean 'gru'?"),
    ("torsos.xyz.features=64", "to add it: +torsos.xyz=..."),
    ("torsos=[gruu]", "no torso 'gruu'; allowed: mlp, mlp-prev, gru, lru"),
    ("torsos=gru,lru", "write torsos=[gru,lru]"),
    ("torsos=pkg.mod:Cell", "+torsos.mine=pkg.mod:Cell"),
    ("torsos=[]", "torsos= selects labels"),
    ("torsos={gru: {}}", "torsos= selects labels"),
    ("tasks=popgym::RepeatFirstEasy", "no task 'popgym::RepeatFirstEasy'; allowed: repeat, higher"),
    ("~torsos.grru", "did you mean 'gru'?"),
    ("~torsos", "'~' leaves out a task, algorithm or torso"),
    ("~torsos.gru=1", "takes no value"),
    ("~algorithms.ppo", "no algorithms left"),
    ("+torsos.gru=lru", "torsos has 'gru' already"),
    ("+torsos.Big=lru", "cannot be a label"),
    ("+seeds=3", "'+' adds a task, algorithm or torso"),
    ("+torsos.mine=no-such", "unknown torso 'no-such'"),
    ("+torsos.mine=[a]", "expected a mapping"),
    ("torsos", "not an override; allowed: key=value"),
    ("=3", "not an override"),
    ("", "not an override"),
    ("algorithm.num_envs=3", "unknown key 'algorithm'"),
    ("algorithm.num_envs=3", "did you mean 'algorithms'?"),
    ("entries.foo=3", "unknown key 'foo'"),
    ("protocol=3", "'protocol' is a section"),
    ("name=x", "'name' cannot be set from the command line"),
    ("version=2", "copy the suite file"),
    ("seeds=[1", "not valid YAML"),
    ("seeds=${x}", "interpolation"),
    ("seeds=!!int 3", None),
    ("seeds=!!python/name:os.system 3", "tag '!!python/name:os.system'"),
    ("seeds=three", "argument seeds=three\n  not a whole number"),
    ("seeds.x=3", "'seeds' is a single value and has no keys"),
    ("torsos.gru.features.x=3", "'features' is a single value"),
    ("protocol.eval_every=1000", "argument protocol.eval_every=1000\n  not a multiple of one update"),
    ("network.embd=3", "did you mean 'embed'?"),
    ("overrides=3", "argument overrides=3"),
    ("overrides=[{when: {torso: x}, set: {torso.features: 1}}]", "no torso 'x'"),
]


@pytest.mark.parametrize(("argument", "message"), BAD)
def test_bad_override(write_suite, argument, message):
    if message is None:
        assert load_suite(write_suite(), [argument]).seeds == (0, 1, 2)
        return
    with pytest.raises(UsageProblems) as caught:
        load_suite(write_suite(), [argument])
    assert message in str(caught.value)


@pytest.mark.parametrize("pair", [("seeds=3", "seeds=4"), ("torsos=gru", "torsos=lru"), ("seeds=3", "entries.seeds=4")])
def test_given_twice(write_suite, pair):
    with pytest.raises(UsageProblems, match="given twice"):
        load_suite(write_suite(), pair)


def test_every_bad_argument_is_named_at_once(write_suite):
    with pytest.raises(UsageProblems) as caught:
        load_suite(write_suite(), ["foo=1", "seeds=x", "~torsos.y"])
    assert [text in str(caught.value) for text in ("foo=1", "seeds=x", "~torsos.y")] == [True] * 3


@given(st.text(max_size=30))
def test_no_argument_crashes(text):
    tree = {"entries": {"torsos": {"gru": {}}, "seeds": "3"}, "tasks": {"a": {}}}
    apply_overrides(tree, {}, [text, f"torsos.{text}", f"+torsos.{text}", f"~{text}", f"seeds={text}"], {})
    assert tree == {"entries": {"torsos": {"gru": {}}, "seeds": "3"}, "tasks": {"a": {}}}


@given(st.integers(1, 10_000))
def test_a_number_means_the_same_in_every_spelling(number):
    tree = {"entries": {"seeds": "3"}}
    spelled = [apply_overrides(tree, {}, [f"seeds={text}"], {}).tree for text in (f"{number}", f"{number:_}")]
    from memorax_bench.suite.schema import as_seeds

    assert {as_seeds(result["entries"]["seeds"]) for result in spelled} == {tuple(range(number))}
