"""What `run` shows, on a terminal and in a log."""

import io
import math
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from memorax_bench.cell.progress import Progress
from memorax_bench.running.engine import JobEvent
from memorax_bench.running.job import Ended, Summary, failed
from memorax_bench.verbs.screen import make_screen, progress_line

CELL = SimpleNamespace(task_label="repeat-previous", algorithm_label="ppo", torso_label="gru")


def job(name="1", width=8):
    return SimpleNamespace(id=name, action=SimpleNamespace(cell=CELL, seed_batch=width))


JOB = job()


def done(finals=(0.97, 0.98, 0.96), diverged=None, cached=False, resumed_at=0):
    summary = Summary(tuple(finals), 3.14, cached, 84_000.0, diverged or {}, resumed_at)
    return JobEvent("done", JOB, Ended("1", "done", summary))


def fail(message, kind="failed", again=None):
    return JobEvent(kind, JOB, failed("1", "ValueError", message), again)


EVENTS = {
    "done": (done(), ["return .97 [.96,.98]  compile 3.1 s  84k steps/s"]),
    "cached": (done(cached=True), ["compile 3.1 s (cached)"]),
    "resumed": (done(resumed_at=65_536), ["84k steps/s  resumed at 65,536"]),
    "one seed": (done([0.5]), ["return .50  compile"]),
    "diverged": (
        done([0.97, 0.95, None], {2: 131_072}),
        ["return .96", " NaN   repeat-previous  ppo/gru         seed 2 at 131,072"],
    ),
    "all diverged": (done([None], {0: 64}), ["return NaN", "seed 0 at 64"]),
    "failed": (
        fail("ValueError: no [memory]\nat all"),
        [" FAIL  repeat-previous  ppo/gru         ValueError: no [memory]", "again: memorax-bench run it"],
    ),
    "a traceback": (
        fail("JaxError: Traceback (most recent call last):\n  x\nOSError: y"),
        ["ppo/gru         OSError: y", "again:"],
    ),
    "no message": (fail(""), ["no message", "again:"]),
    "tried again": (fail("lost", "retry", JOB), [" FAIL  repeat-previous  ppo/gru         lost", "       tried again"]),
    "with fewer": (fail("full", "retry", job(width=4)), ["         full", "       tried again, 4 seeds at a time"]),
    "with one": (fail("full", "retry", job(width=1)), ["         full", "       tried again, 1 seed at a time"]),
    "adopted": (JobEvent("adopted", JOB), [" same  repeat-previous  ppo/gru         compiles to the"]),
    "elsewhere": (JobEvent("elsewhere", JOB), [" done  repeat-previous  ppo/gru         by another"]),
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
    shown.begin(JOB, 3, 10)
    shown.progress(JOB, Progress(1024, 4096, (0.5, math.nan, 0.7), 84e3))
    shown.end(event)
    *lines, last = visible(file.getvalue())
    assert last == ""
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


def test_a_log_has_one_line_a_cell_and_no_control_codes():
    shown, file = screen(False)
    for index in (1, 2):
        shown.begin(JOB, index, 2)
        for step in range(0, 5120, 1024):
            shown.progress(JOB, Progress(step, 4096, (0.5,) * 3, 84e3))
        shown.end(EVENTS["done"][0])
    text = file.getvalue()
    assert text.count("\n") == 2
    assert not re.search(r"[\r\x1b]", text)


def test_a_long_line_of_a_log_is_not_wrapped():
    shown, file = screen(False, width=40)
    shown.begin(JOB, 1, 1)
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
    shown.begin(JOB, 1, 1)
    assert visible(file.getvalue())[0].startswith("[1/1] repeat-previous")
    assert "compiling" in file.getvalue() or width == 40
    for step in range(0, 5120, 1024):
        shown.progress(JOB, Progress(step, 4096, (0.5,) * 3, 84e3))
    assert "\n" not in file.getvalue()
    assert max(map(len, file.getvalue().split("\r\x1b[2K"))) < width
    if width > 40:
        assert "##########" in visible(file.getvalue())[0]
        assert "100%" in visible(file.getvalue())[0]


def test_what_is_left_of_the_whole_run_is_told(monkeypatch):
    """At the rate so far: one cell of four done and half of the next, in a minute and a half."""
    monkeypatch.setattr("memorax_bench.verbs.screen.time.monotonic", (clock := Clock()))
    shown, file = screen(True, 160)
    shown.begin(JOB, 1, 4)
    clock.now = 60.0
    shown.end(fail("lost"))
    shown.begin(job("2"), 2, 4)
    shown.begin(job("3"), 3, 4)
    clock.now = 90.0
    shown.progress(job("2"), Progress(2048, 4096, (0.5,), 84e3))
    last = visible(file.getvalue())[-1]
    assert "(+1 more, 1 failed)" in last
    assert "| total 1:30, 2:30 left" in last


class Clock:
    now = 0.0

    def __call__(self):
        return self.now
