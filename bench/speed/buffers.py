"""Replay: blocks go in, batches of windows come out."""

from speed import steady
from speed.counting import byte_count

BUFFERS = ["uniform", "prioritised"]


class Speed(steady.Timed):
    params, param_names = (["buffer"], BUFFERS), ("program", "buffer")


class Work(steady.Counted):
    params, param_names = (["buffer"], BUFFERS), ("program", "buffer")

    def track_state(self, *parts: str) -> int:
        """What is stored."""
        state, _ = self.program.arguments
        return byte_count(state)

    track_state.unit = "bytes"
