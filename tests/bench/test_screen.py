"""What `run` shows, on a terminal and in a log."""

import io
import math
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from memorax_bench.engine import CellEvent
from memorax_bench.plan import PlannedRun
from memorax_bench.runner import ChunkResult, Progress
from memorax_bench.screen import make_screen, progress_line

ACTION = SimpleNamespace(cell=SimpleNamespace(task_label="repeat-previous", algorithm_label="ppo", torso_label="gru"))
RUN = PlannedRun("0" * 16, (0, 1, 2))


def result(finals=(0.97, 0.98, 0.96), diverged=None, cache="miss"):
    timing = {"compile": 3.14, "cache": cache}
    return ChunkResult(4096, {"final": list(finals)}, b"", {}, {}, timing, 84_000.0, diverged or {})


EVENTS = {
    "done": (CellEvent("done", ACTION, RUN.seeds, result()), ["return .97 [.96,.98]  compile 3.1 s  84k steps/s"]),
    "cached": (CellEvent("done", ACTION, RUN.seeds, result(cache="hit")), ["compile 3.1 s (cached)"]),
    "one seed": (CellEvent("done", ACTION, (0,), result([0.5])), ["return .50  compile"]),
    "diverged": (
        CellEvent("done", ACTION, RUN.seeds, result([0.97, 0.95, None], {2: 131_072})),
        ["return .96", " NaN   repeat-previous  ppo/gru         seed 2 at 131,072"],
    ),
    "all diverged": (CellEvent("done", ACTION, (0,), result([None], {0: 64})), ["return NaN", "seed 0 at 64"]),
    "failed": (
        CellEvent("failed", ACTION, RUN.seeds, message="ValueError: no [memory]\nat all"),
        [" FAIL  repeat-previous  ppo/gru         ValueError: no [memory]", "again: memorax-bench run it"],
    ),
    "a traceback": (
        CellEvent("failed", ACTION, RUN.seeds, message="JaxError: Traceback (most recent call last):\n  x\nOSError: y"),
        ["ppo/gru         OSError: y", "again:"],
    ),
    "no message": (CellEvent("failed", ACTION, RUN.seeds), ["no message", "again:"]),
    "adopted": (CellEvent("adopted", ACTION, RUN.seeds), [" same  repeat-previous  ppo/gru         compiles to the"]),
    "elsewhere": (CellEvent("elsewhere", ACTION, RUN.seeds), [" done  repeat-previous  ppo/gru         by another"]),
}


def screen(terminal, width=120):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, soft_wrap=True, color_system=None)
    return make_screen(console, lambda action: "memorax-bench run it"), console.file


def visible(text):
    """What is left on the screen: lines that were redrawn in place are gone."""
    return [line.rpartition("\r\x1b[2K")[2] for line in text.split("\n")]


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "log"])
@pytest.mark.parametrize(("event", "expected"), EVENTS.values(), ids=EVENTS)
def test_what_stays(event, expected, terminal):
    shown, file = screen(terminal)
    shown.begin(3, 10, ACTION, RUN)
    shown.progress(Progress(1024, 4096, (0.5, math.nan, 0.7), 84e3))
    shown.end(event)
    *lines, last = visible(file.getvalue())
    assert last == ""
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


def test_a_log_has_one_line_a_cell_and_no_control_codes():
    shown, file = screen(False)
    for index in (1, 2):
        shown.begin(index, 2, ACTION, RUN)
        for step in range(0, 5120, 1024):
            shown.progress(Progress(step, 4096, (0.5,) * 3, 84e3))
        shown.end(EVENTS["done"][0])
    text = file.getvalue()
    assert text.count("\n") == 2
    assert not re.search(r"[\r\x1b]", text)


def test_a_long_line_of_a_log_is_not_wrapped():
    shown, file = screen(False, width=40)
    shown.begin(1, 1, ACTION, RUN)
    shown.end(EVENTS["done"][0])
    assert file.getvalue().count("\n") == 1


PROGRESS = Progress(2457, 4096, (0.9, 0.91, 0.92), 84_000.0)
PLACE = f"[3/10] {'repeat-previous':<16} {'ppo/gru':<14}"


@pytest.mark.parametrize("width", [140, 110, 100, 80])
def test_progress_says_everything_in_the_width(width):
    line = progress_line(PLACE, PROGRESS, "0:10", "2:41", width)
    assert len(line) <= width
    for part in (
        "[3/10] repeat-previous",
        "ppo/gru",
        "######----",
        "60%",
        ".91",
        "(3 seeds)",
        "84k",
        "/s",
        "0:10 left",
    ):
        assert part in line
    assert ("total 2:41" in line) == (width > 115)


@pytest.mark.parametrize("width", [1, 20, 60])
def test_progress_is_cut_rather_than_wrapped(width):
    assert len(progress_line(PLACE, PROGRESS, "0:10", "2:41", width)) == width


def test_progress_of_diverged_and_single_seeds():
    assert "return .50, 1 NaN (2 seeds)" in progress_line(PLACE, Progress(1, 4, (0.5, math.nan), 1.0), "?", "?", 200)
    assert "return NaN (1 seed)" in progress_line(PLACE, Progress(1, 4, (math.nan,), 1.0), "?", "?", 200)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_redraws_one_line(width):
    shown, file = screen(True, width)
    shown.begin(1, 1, ACTION, RUN)
    assert visible(file.getvalue())[0].startswith("[1/1] repeat-previous")
    assert "compiling" in file.getvalue() or width == 40
    for step in range(0, 5120, 1024):
        shown.progress(Progress(step, 4096, (0.5,) * 3, 84e3))
    assert "\n" not in file.getvalue()
    assert max(map(len, file.getvalue().split("\r\x1b[2K"))) < width
    if width > 40:
        assert "##########" in visible(file.getvalue())[0]
        assert "100%" in visible(file.getvalue())[0]
