"""What is seen while an agent trains, on a terminal and in a log."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from memorax.loggers import DashboardLogger, MultiLogger, rows_of
from memorax.loggers.dashboard import duration, magnitude, spread
from memorax.loggers.progress import Tracker


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None, legacy_windows=False)


def update(step, returns, count=50, **values):
    """One update of as many seeds as `returns` has, each of `count` episodes of 4 steps."""
    columns = {"step": step, "episode/count": count, "episode/length_sum": 4.0 * count}
    columns = {name: np.full((len(returns), 1), value) for name, value in columns.items()}
    columns["episode/return_sum"] = count * np.array(returns, float)[:, None]
    return columns | {name.replace("__", "/"): np.array(value)[:, None] for name, value in values.items()}


def test_the_panel_on_a_terminal(clock):
    screen = console(terminal=True)
    logger = DashboardLogger(total_steps=4096, title="gru [1]", console=screen, clock=clock)
    with logger:
        clock.now = 105.0
        logger.log(update(512, [0.1, 0.3, 0.2], ppo__value_loss=[3.0, 2.0, np.nan]))
        clock.now = 107.0
        logger.log(update(1024, [0.5, 0.7, 0.6], ppo__value_loss=[1.5, 0.5, np.inf], ppo__entropy=[1.25] * 3))
    paper = console(terminal=False)
    paper.print(logger.panel())
    assert [line.strip("│╭╰╮╯─ ") for line in paper.file.getvalue().splitlines()] == [
        "gru [1]",
        "step    ########---------------------- 25%  1,024 of 4,096",
        "seeds   3",
        "return  0.4 ± 0.1 [0.3, 0.5]  episodes of 4 steps",
        "speed   768 steps/s",  # 3 seeds x 512 steps in 2 seconds, without the first call
        "time    0:07 elapsed  0:12 left",
        "",
        "ppo/entropy     1.25 ± 0 [1.25, 1.25]",
        "ppo/value_loss  1 ± 0.707 [0.5, 1.5], 1 of 3 not finite",
        "",
    ]
    drawn = screen.file.getvalue()
    assert "waiting for the first rows" in drawn and "1,024 of 4,096" in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is back
    assert drawn.index("\x1b[?25h") < drawn.index("512 of")  # and was never gone for long


def test_lines_without_a_terminal(clock):
    screen = console(terminal=False)
    with DashboardLogger(4096, "gru [1]", interval=10.0, console=screen, clock=clock) as logger:
        for index in range(5):
            clock.now += 4.0
            logger.log(update(512 * (index + 1), [0.5, 0.7]))
    assert screen.file.getvalue().splitlines() == [
        "gru [1]   12%  step 512 of 4,096  return 0.6 ± 0.141 [0.5, 0.7] (2 seeds)  ? steps/s  ? left",
        "gru [1]   50%  step 2,048 of 4,096  return 0.6 ± 0.141 [0.5, 0.7] (2 seeds)  256 steps/s  0:16 left",
        "gru [1]   62%  step 2,560 of 4,096  return 0.6 ± 0.141 [0.5, 0.7] (2 seeds)  256 steps/s  0:12 left",
    ]


def test_the_last_line_is_printed_once(clock):
    screen = console(terminal=False)
    with DashboardLogger(console=screen, clock=clock) as logger:
        logger.log(update(512, [0.5]))
        logger.log({"step": np.zeros((1, 0), int)})  # no rows
    assert screen.file.getvalue() == "training  step 512  return 0.5 (1 seed)  ? steps/s\n"
    with DashboardLogger(console=screen, clock=clock):
        pass
    assert screen.file.getvalue().count("\n") == 1


def test_warnings_of_other_loggers_stay_readable(clock):
    screen = console(terminal=True)
    with MultiLogger([DashboardLogger(console=screen, clock=clock)]) as logger:
        logger.log(update(512, [0.5]))
        print("a line from elsewhere")
    assert re.search(r"a line from elsewhere *\n", screen.file.getvalue())


def test_the_return_is_that_of_the_last_episodes():
    tracker = Tracker(start=0.0)
    for step in range(1, 11):
        progress = tracker.update(rows_of(update(step, [float(step)], count=30)), now=float(step))
    assert progress.returns == pytest.approx((7 + 8 + 9 + 10) / 4)  # 120 episodes; three updates have 90
    progress = tracker.update(rows_of(update(11, [np.nan], count=0)), now=11.0)  # none ended: nothing new
    assert progress.returns == pytest.approx((7 + 8 + 9 + 10) / 4)
    assert tracker.update(rows_of(update(12, [3.0], count=1000)), now=12.0).returns == 3.0


def test_rows_of_one_call_are_followed_one_by_one():
    several = {name: np.concatenate([update(s, [s])[name] for s in (4, 8, 12)], axis=1) for name in update(4, [4])}
    progress = Tracker(start=10.0).update(rows_of(several), now=12.0)
    assert (progress.step, progress.returns[0]) == (12, 10.0)
    assert progress.speed == 12 / 2.0


def test_the_speed_of_a_run_that_goes_on_counts_its_own_steps():
    tracker = Tracker(start=0.0)
    logs = {"step": np.arange(1_000_000, 1_000_010)}
    assert tracker.update(rows_of(logs), now=5.0).speed == 2.0
    assert tracker.update(rows_of({"step": logs["step"] + 10}), now=6.0).speed == 10.0
    assert tracker.update(rows_of({"step": logs["step"]}), now=7.0).speed is None  # it went back


def test_logs_without_episodes():
    screen = console(terminal=False)
    with DashboardLogger(8, console=screen) as logger:
        logger.log({"step": np.array([4]), "loss": np.array([0.5])})
        assert "return none yet (1 seed)" in screen.file.getvalue()
        assert "loss" in logger.panel().renderable.renderables[2].columns[0]._cells[0]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0], "1"),
        ([1.0, 2.0], "1.5 ± 0.707 [1, 2]"),
        ([np.nan, 2.0], "2, 1 of 2 not finite"),
        ([np.nan, np.inf], "not finite"),
        ([123456.0], "123,456"),
        ([1_234_567.0], "1.23e+06"),
    ],
)
def test_spread(values, text):
    assert spread(np.array(values)) == text


def test_sizes_and_times():
    assert [magnitude(v) for v in (None, 0.5, 850, 8_400, 1_234_567, 2e9)] == ["?", "0.5", "850", "8.4k", "1.23M", "2G"]
    assert [duration(v) for v in (None, 24.4, 3723)] == ["?", "0:24", "1:02:03"]
    with pytest.raises(ValueError, match="total_steps = 0 must be at least 1"):
        DashboardLogger(total_steps=0)
