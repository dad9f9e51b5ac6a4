"""What the rows so far amount to: returns of the last episodes, speed, time left."""

import collections
import dataclasses

import numpy as np

from memorax.loggers.rows import Rows

EPISODES = ("episode/count", "episode/return_sum", "episode/length_sum")  # what algorithms log of episodes that ended
WINDOW = 100  # episodes of a seed that its return is the mean of, or few more
CALLS = 10  # of `log` that the speed is measured over


@dataclasses.dataclass(frozen=True)
class Progress:
    """After the last row. Arrays are [seeds]; NaN where a seed has ended no episode."""

    step: int  # environment steps of a seed
    seeds: int
    returns: np.ndarray  # mean over the last episodes
    lengths: np.ndarray
    speed: float | None  # environment steps a second, all seeds together
    latest: dict[str, np.ndarray]  # the last row without step and episodes

    def seconds_left(self, total_steps: int | None) -> float | None:
        if total_steps is None or not self.speed:
            return None
        return max(total_steps - self.step, 0) * self.seeds / self.speed


class Tracker:
    """Follows the rows of a run; `start` is when it began, on the clock that `update` is given."""

    def __init__(self, start: float):
        self.start = start
        self.calls: collections.deque = collections.deque(maxlen=CALLS)  # (time, step) after each call
        self.episodes: list[collections.deque] = []  # of each seed, rows (count, return_sum, length_sum)

    def update(self, rows: Rows, now: float) -> Progress | None:
        """Progress after these rows; None where there are none."""
        seeds, updates = rows.step.shape
        if not updates:
            return None
        if seeds != len(self.episodes):
            self.episodes = [collections.deque() for _ in range(seeds)]
            self.calls.clear()
        if all(name in rows.values for name in EPISODES):
            sums = np.stack([rows.values[name] for name in EPISODES], axis=-1).astype(np.float64)
            for window, new in zip(self.episodes, sums, strict=True):
                _add(window, new)
        speed = self._speed(rows.step[0], seeds, now)
        means = np.array([_means(window) for window in self.episodes])
        latest = {name: value[:, -1].astype(np.float64) for name, value in rows.values.items() if name not in EPISODES}
        return Progress(int(rows.step[0, -1]), seeds, means[:, 0], means[:, 1], speed, latest)

    def _speed(self, steps: np.ndarray, seeds: int, now: float) -> float | None:
        """Over the last calls. The first call can only be held against the start, compilation included."""
        first = not self.calls
        self.calls.append((now, int(steps[-1])))
        if first:
            if len(steps) < 2:  # where a run that is gone on with began is not known
                return None
            seconds, done = now - self.start, int(steps[-1]) - int(2 * steps[0] - steps[1])
        else:
            seconds, done = now - self.calls[0][0], self.calls[-1][1] - self.calls[0][1]
        return done * seeds / seconds if seconds > 0 and done > 0 else None


def _add(window: collections.deque, rows: np.ndarray) -> None:
    """Adds rows, and drops the oldest while the others have enough episodes."""
    window.extend(row for row in rows if row[0] > 0)
    count = sum(row[0] for row in window)
    while window and count - window[0][0] >= WINDOW:
        count -= window.popleft()[0]


def _means(window: collections.deque) -> tuple[float, float]:
    """Mean return and length."""
    if not window:
        return np.nan, np.nan
    count, returns, lengths = np.sum(window, axis=0)
    return returns / count, lengths / count
