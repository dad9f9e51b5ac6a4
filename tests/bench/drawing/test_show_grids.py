"""The verb `show` for MiniGrid's worlds: what is drawn as seen is what lies before the agent in the whole grid."""

import numpy as np
import pytest
from PIL import Image

from memorax.environments import make
from memorax_bench.drawing import grids, strip
from memorax_bench.drawing.episode import play
from memorax_bench.drawing.show import show_task

AHEAD = {"east": (0, 1), "south": (1, 0), "west": (0, -1), "north": (-1, 0)}


@pytest.mark.parametrize(
    ("task", "outside"),
    [
        ("navix::MemoryS7", "wall"),
        ("navix::DoorKey-5x5", "wall"),
        ("xminigrid::MiniGrid-DoorKey-5x5", "outside"),
    ],
)
def test_what_is_drawn_as_seen_lies_before_the_agent(task, outside):
    library = task.partition("::")[0]
    pytest.importorskip(library, reason=f"{library} (extra {library!r}) is not installed")
    env, params = make(task)
    episode = play(task, {}, env, params, 1, 60)
    moment = {"navix": grids._of_navix, "xminigrid": grids._of_xminigrid}[library]
    moments = [moment(episode, t) for t in range(episode.length + 1)]
    names = list(AHEAD)
    for now in moments:
        ahead, right = (np.array(AHEAD[names[(now.direction + turn) % 4]]) for turn in (0, 1))
        size = len(now.seen)
        for i, j in np.ndindex(size, size):
            row, column = np.array(now.place) + (size - 1 - i) * ahead + (j - size // 2) * right
            within = 0 <= row < len(now.cells) and 0 <= column < len(now.cells[0])
            kind, colour = now.cells[row][column] if within else (outside, "")
            if (i, j) != (size - 1, size // 2):  # where the agent itself is
                assert now.seen[i][j][0] == kind
                assert now.seen[i][j][1] == colour or kind in ("wall", "floor", "outside", "goal")
    assert len({now.direction for now in moments}) == 4
    assert len({now.place for now in moments}) > 1


def test_what_is_carried_and_what_is_asked_for_are_told(tmp_path, monkeypatch):
    pytest.importorskip("navix", reason="navix (extra 'navix') is not installed")
    monkeypatch.setattr(strip, "DPI", 30)
    monkeypatch.setattr(strip, "GIF_DPI", 30)
    task = "navix::PutNear-6x6-N2"
    env, params = make(task)
    episode = play(task, {}, env, params, 0, 200)
    view = grids.navix(episode)
    colours, kinds = grids._NAVIX_COLOURS, ("door", "key", "ball", "box")
    colour, kind, *_ = episode.observations["mission"][0]
    asked = f"{colours[colour]} {kinds[kind]}"
    assert all(words.startswith(f"{asked} near ") for words in view.observed)
    carried = episode.states.entities["player"].pocket[:, 0] != -1
    assert [", carries " in words for words in view.hidden] == carried.tolist()

    show_task(task, [], 0, 3, tmp_path)
    gif, png = sorted(tmp_path.iterdir())
    with Image.open(png) as picture, Image.open(gif) as animation:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10, "nothing is drawn"
        assert animation.n_frames == 3
