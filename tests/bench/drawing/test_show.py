"""The verb `show`: what is told and drawn of an episode is what happened in it, and no task is without a picture."""

import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memorax import registry
from memorax.environments import make, popgym
from memorax_bench import cli
from memorax_bench.drawing import GENERIC, VIEWS, strip, view_path
from memorax_bench.drawing.cards import RANKS, SUITS
from memorax_bench.drawing.episode import play
from memorax_bench.drawing.show import picture, show_task
from memorax_bench.drawing.text import table
from memorax_bench.drawing.view import moments, signed, spread
from memorax_bench.suite.catalogue import load_catalogue

FAMILIES = sorted(path.partition(":")[2] for path in popgym.FAMILIES)
# One for each way of drawing that POPGym does not need.
OTHERS = (
    "gymnax::Acrobot-v1",
    "gymnax::BernoulliBandit-misc",
    "gymnax::Breakout-MinAtar",
    "gymnax::CartPole-v1",
    "gymnax::Catch-bsuite",
    "gymnax::FourRooms-misc",
    "gymnax::FrozenLake-misc",
    "gymnax::MemoryChain-bsuite",
    "gymnax::MetaMaze-misc",
    "gymnax::Pendulum-v1",
    "gymnax::Swimmer-misc",
)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Pictures of few pixels: they are drawn as always, and written at once."""
    monkeypatch.setattr(strip, "DPI", 30)
    monkeypatch.setattr(strip, "GIF_DPI", 30)


def episode_of(task, steps=1000, seed=0, **options):
    env, params = make(task, **options)
    return play(task, options, env, params, seed, steps)


def told(episode) -> list[dict[str, str]]:
    """The table of a whole episode: a dict a line, by the header."""
    view = registry.resolve(view_path(episode.task, episode.options.get("observation")))(episode)
    header, *lines = table(episode, view, range(episode.length)).splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    bounds = list(zip(starts, [*starts[1:], None], strict=True))
    return [{header[a:b].strip(): line[a:b].strip() for a, b in bounds} for line in lines]


def draw(task, folder, *options, steps: int | None = 3) -> tuple[str, list[Path]]:
    text = show_task(task, options, 0, steps, folder)
    return text, sorted(folder.iterdir())


@pytest.mark.parametrize("task", [*(f"popgym::{family}Easy" for family in FAMILIES), *OTHERS])
def test_every_kind_of_task_is_told_and_drawn(task, tmp_path):
    text, (gif, png) = draw(task, tmp_path)
    assert text.startswith(f"{task}\n  observation  {load_catalogue().tasks[task].observation}\n")
    assert f"{png}  {gif}" in text
    played = int(re.search(r"seed 0: (?:the first )?(\d) step", text)[1])
    with Image.open(png) as picture, Image.open(gif) as animation:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10, "nothing is drawn"
        assert animation.n_frames == played


@pytest.mark.slow
@pytest.mark.parametrize("task", load_catalogue().tasks)
def test_every_task_is_told_and_drawn(task, tmp_path):
    draw(task, tmp_path)


# --- what is told is what happened ---


@pytest.mark.parametrize("k", [1, 4])
def test_repeat_previous_names_the_card_that_was_shown_k_minus_1_steps_ago(k):
    lines = told(episode_of("popgym::RepeatPrevious", k=k))
    shown = [line["observed"] for line in lines]
    assert {*shown} == {*SUITS} and len(lines) == 52
    for t, line in enumerate(lines[:-1]):
        if t < k - 1:
            assert (line["hidden"], line["reward"]) == ("nothing due", "0")
        else:
            assert line["hidden"] == f"{shown[t - k + 1]} of step {t - k + 1}"
            assert (line["reward"][0] == "+") == (line["action"] == shown[t - k + 1])
    assert [line["end"] for line in lines] == [""] * 50 + ["terminated", ""]


def test_repeat_first_names_the_first_card():
    lines = told(episode_of("popgym::RepeatFirstEasy"))
    assert {line["hidden"] for line in lines[:-1]} == {f"{lines[0]['observed']} of step 0"}


def test_autoencode_recites_backwards_what_was_watched():
    lines = told(episode_of("popgym::AutoencodeEasy"))
    watched = [line["observed"].split()[1] for line in lines[:52]]
    assert [line["observed"].split()[0] for line in lines[:53]] == ["watch"] * 51 + ["recite"] * 2
    assert [line["hidden"] for line in lines[51:103]] == [f"{watched[i]} of step {i}" for i in range(51, -1, -1)]
    assert all((line["reward"][0] == "+") == (line["action"] == line["hidden"][0]) for line in lines[51:103])


def test_count_recall_counts_what_was_dealt():
    lines = told(episode_of("popgym::CountRecallHard"))
    values, queries = zip(
        *(re.fullmatch(r"(\w+); how many (\w+)\?", line["observed"]).groups() for line in lines), strict=True
    )
    assert {*values} == {*RANKS}
    for t, line in enumerate(lines[:-1]):
        assert int(line["hidden"]) == values[: t + 1].count(queries[t])
        assert (line["reward"][0] == "+") == (line["action"] == line["hidden"])


def test_higher_lower_counts_the_cards_to_come():
    lines = told(episode_of("popgym::HigherLowerEasy"))
    ranks = [RANKS.index(line["observed"]) for line in lines]
    for t, line in enumerate(lines[:-1]):
        higher = 4 * (12 - ranks[t]) - sum(rank > ranks[t] for rank in ranks[: t + 1])
        lower = 4 * ranks[t] - sum(rank < ranks[t] for rank in ranks[: t + 1])
        assert line["hidden"] == f"to come: {higher} higher, {lower} lower"
        if ranks[t + 1] != ranks[t]:
            assert (line["reward"][0] == "+") == (line["action"] == ("higher" if ranks[t + 1] > ranks[t] else "lower"))


def test_battleship_is_told_with_the_board():
    lines = told(episode_of("popgym::BattleshipEasy"))
    hits = [line["hidden"] == "ship" for line in lines[:-1]]
    assert [line["observed"] for line in lines] == ["miss", *("hit" if hit else "miss" for hit in hits)]
    assert [line["reward"][0] == "+" for line in lines[:-1]] == hits and 0 < sum(hits) <= 12
    repeated = [line["hidden"].endswith("shot at before") for line in lines[:-1]]
    cells = [line["action"] for line in lines[:-1]]
    assert repeated == [cell in cells[:t] for t, cell in enumerate(cells)]


def test_mine_sweeper_ends_on_a_mine():
    episode = episode_of("popgym::MineSweeperEasy")
    *_, last, after = told(episode)
    assert (last["hidden"], last["end"]) == ("a mine", "terminated")
    assert int(after["observed"].split()[0]) >= 1


def test_concentration_tells_what_became_of_a_card():
    earned = {"first of two": "0", "a pair": "+", "no pair": "-", "the same card": "-", "face-up already": "-"}
    lines = told(episode_of("popgym::ConcentrationEasy"))
    outcomes, seen = zip(*(line["hidden"].split("; ") for line in lines[:-1]), strict=True)
    assert [line["reward"][0] for line in lines[:-1]] == [earned[outcome] for outcome in outcomes]
    assert lines[-1]["observed"].endswith(f"{outcomes.count('a pair')} pairs")
    cards = [line["action"] for line in lines[:-1]]
    assert seen == tuple(f"{len({*cards[:t]})} seen before" for t in range(len(cards)))


def test_arms_pay_as_often_as_is_said():
    lines = told(episode_of("popgym::MultiarmedBanditHard"))[:-1]
    chance = np.array([float(re.match(r"pays ([.\d]+);", line["hidden"])[1]) for line in lines])
    paid = np.array([line["reward"][0] == "+" for line in lines])
    assert abs(paid.mean() - chance.mean()) < 0.08  # 600 pulls: four standard deviations
    assert paid[chance > 0.8].mean() > 0.7 > 0.3 > paid[chance < 0.2].mean()


def test_velocities_are_hidden_or_shown():
    positions, velocities = (told(episode_of(f"popgym::{name}OnlyCartPoleEasy")) for name in ("Position", "Velocity"))
    for line, other in zip(positions[1:-1], velocities[1:-1], strict=True):
        assert (line["observed"], line["hidden"]) == (other["hidden"], other["observed"])
    assert velocities[0]["observed"] == positions[0]["observed"], "the reset shows positions"


def test_the_full_state_is_told_where_it_is_observed():
    lines = told(episode_of("popgym::RepeatPreviousEasy", observation="state"))
    assert lines[0]["observed"] == "due 4, progress 0" and "hidden" not in lines[0]


# --- what is shown of it ---


def test_an_unfinished_episode_goes_on(tmp_path):
    text, _ = draw("popgym::RepeatPreviousEasy", tmp_path)
    assert "seed 0: the first 3 steps, which return 0\n" in text
    assert re.search(r"\n 2 .*\n 3 .*\n\n", text), "the last line is what the last action led to"


def test_by_default_the_start_is_shown_and_the_first_step_that_earns_anything(tmp_path):
    text, (gif, _) = draw("popgym::AutoencodeEasy", tmp_path, steps=None)
    steps = re.findall(r"^ (\d+|\.\.\.)", text, re.MULTILINE)
    assert steps == [*"0123", "...", *map(str, range(49, 58)), "..."]
    with Image.open(gif) as animation:
        assert animation.n_frames == 12


def test_moments_and_spread():
    late = np.zeros(50)
    late[30:] = 1
    assert moments(late, 8) == (0, 1, 28, 29, 30, 31, 32, 33)
    assert moments(late[:34], 8) == (0, 1, 28, 29, 30, 31, 32, 33)
    assert moments(late[:31], 8) == (0, 1, 25, 26, 27, 28, 29, 30)
    assert moments(np.zeros(50), 8) == moments(np.ones(50), 8) == tuple(range(8))
    assert moments(np.ones(3), 8) == (0, 1, 2)
    assert spread(3, 8) == (0, 1, 2) and spread(64, 8) == (0, 9, 18, 27, 36, 45, 54, 63) and spread(1, 8) == (0,)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.0, "0"), (1 / 48, "+.021"), (-1, "-1"), (-0.5, "-.5"), (9.26, "+9.3"), (-1234.5, "-1,234")],
)
def test_rewards_in_words(value, text):
    assert signed(np.float32(value)) == text


def test_equal_episodes_give_equal_pictures_and_others_others(tmp_path):
    texts, files = [], []
    for i, seed in enumerate((0, 0, 1)):
        texts.append(show_task("popgym::HigherLowerEasy", [], seed, 3, tmp_path / str(i)).replace(f"/{i}/", "/"))
        files.append([file.read_bytes() for file in sorted((tmp_path / str(i)).iterdir())])
    assert texts[0] == texts[1] != texts[2]
    assert files[0] == files[1]
    assert all(a != b for a, b in zip(files[0], files[2], strict=True))


# --- who draws what ---


def test_the_picture_alone_is_that_of_show(tmp_path):
    _, (_, png) = draw("popgym::HigherLowerEasy", tmp_path, steps=None)
    assert picture("popgym::HigherLowerEasy", {}) == png.read_bytes()


def test_a_picture_of_what_the_library_refuses():
    with pytest.raises(ValueError, match="capacity"):
        picture("popgym::RepeatPreviousEasy", {"capacity": -1})


@pytest.mark.parametrize("path", sorted({GENERIC, *VIEWS.values()}))
def test_views_exist(path):
    assert registry.resolve(path).__annotations__["return"].__name__ == "View"


def test_every_prefix_is_that_of_a_task_and_every_family_has_a_picture():
    tasks = load_catalogue().tasks
    assert [prefix for prefix in VIEWS if not any(task.startswith(prefix) for task in tasks)] == []
    assert all(f"popgym::{family}" in VIEWS for family in FAMILIES)


def test_the_longest_prefix_counts(monkeypatch):
    monkeypatch.setitem(VIEWS, "popgym::", "a:b")
    assert view_path("popgym::RepeatFirstHard") == VIEWS["popgym::RepeatFirst"]
    assert view_path("popgym::New") == "a:b"
    assert view_path("other::New") == GENERIC == view_path("popgym::RepeatFirstHard", "state")


# --- the command ---


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """`memorax-bench show ...` in a folder of its own -> (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["memorax-bench", "show", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return call


def test_help_teaches_by_example(call):
    code, text, _ = call("--help")
    assert code == 0
    assert "memorax-bench show popgym::RepeatPreviousEasy" in text
    assert "Exit: 0 shown, 2 a mistake in the arguments." in text


def test_options_are_typed_and_named(call, tmp_path):
    code, text, _ = call("popgym::RepeatPrevious", "k=2", "--steps", "2", "--seed", "3")
    assert code == 0
    assert text.startswith("popgym::RepeatPrevious k=2\n") and "seed 3" in text
    names = {f"popgym-RepeatPrevious-k=2.{suffix}" for suffix in ("png", "gif")}
    assert {file.name for file in (tmp_path / "reports" / "show").iterdir()} == names


MISTAKES = {
    "no task": ([], ["which task?", "memorax-bench ls tasks"]),
    "no namespace": (["RepeatFirst"], ["has no namespace; write 'namespace::id', such as 'popgym::RepeatFirst'"]),
    "unknown namespace": (["popgim::X"], ["unknown environment namespace 'popgim'. Did you mean 'popgym'?"]),
    "unknown task": (["popgym::RepeatFrist"], ["unknown popgym task 'RepeatFrist'. Did you mean 'RepeatFirst'"]),
    "unknown option": (
        ["popgym::RepeatFirst", "num_dekcs=2"],
        ["unknown option of popgym::RepeatFirst 'num_dekcs'. Did you mean 'num_decks'?"],
    ),
    "option of the constructor": (["gymnax::MemoryChain-bsuite", "num_bits=2"], ["unknown option", "memory_length"]),
    "fixed option": (["popgym::RepeatPreviousEasy", "k=3"], ["fixes k=4; to choose it, make 'popgym::RepeatPrevious'"]),
    "wrong type": (["popgym::RepeatFirst", "num_decks=two"], ["argument num_decks=two", "not a whole number"]),
    "refused value": (["popgym::RepeatFirst", "num_decks=0"], ["num_decks is 0; it must be an integer >= 1"]),
    "unknown word": (["popgym::RepeatFirst", "observation=all"], ["unknown observation", "Known: partial, state"]),
    "no option": (["popgym::RepeatFirst", "7"], ["argument 7", "not an option; allowed: name=value"]),
    "twice": (["popgym::RepeatFirst", "num_decks=1", "num_decks=2"], ["argument num_decks=2", "given twice"]),
}


@pytest.mark.parametrize(("arguments", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(call, tmp_path, arguments, said):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert all(part in err for part in said), err
    assert "Traceback" not in err
    assert not (tmp_path / "reports").exists()
