"""Every registered torso: a sequence forwards and backwards, and a single step."""

import jax

from speed import steady
from speed.counting import byte_count
from speed.programs import torso

TORSOS = steady.registered("SEQUENCE_MODELS")
PROGRAMS = ["forward", "gradient", "step"]


class Speed(steady.Timed):
    params, param_names = (PROGRAMS, TORSOS), ("program", "torso")


class Work(steady.Counted):
    params, param_names = (PROGRAMS, TORSOS), ("program", "torso")

    def track_flops(self, *parts: str) -> float:
        return self.program.flops_per_step

    track_flops.unit = "FLOP/step"


class State:
    params, param_names = TORSOS, ("torso",)

    def setup(self, name: str) -> None:
        steady.load(f"step/{name}")  # leaves out what this commit does not have

    def track_bytes(self, name: str) -> int:
        """What is carried for one environment from step to step."""
        return byte_count(jax.eval_shape(lambda: torso(name).initialize_carry(1)))

    track_bytes.unit = "bytes/environment"
