"""Whole updates of every algorithm: acting, storing and learning, with a GRU."""

from speed import steady
from speed.counting import byte_count, compilations

ALGORITHMS = steady.registered("ALGORITHMS")


class Speed(steady.Timed):
    params, param_names = (["train"], ALGORITHMS), ("program", "algorithm")


class Work(steady.Counted):
    params, param_names = (["train"], ALGORITHMS), ("program", "algorithm")

    def track_flops(self, *parts: str) -> float:
        return self.program.flops_per_step

    def track_program_size(self, *parts: str) -> int:
        return self.program.lines

    def track_state(self, *parts: str) -> int:
        """The state of an agent that has its replay: parameters, optimizers, environments, carries, what is stored."""
        _, state = self.program.arguments
        return byte_count(state)

    def track_compilations(self, *parts: str) -> int:
        return compilations_of_three_calls(self.program)

    track_flops.unit = "FLOP/environment step"
    track_program_size.unit = "lines of StableHLO"
    track_state.unit = "bytes"
    track_compilations.unit = "compilations"


def compilations_of_three_calls(program: steady.Program) -> int:
    """Of `agent.train`, each on the state that the one before returned; above 1, a state comes back with other types
    than it went in with."""
    train, (key, state) = program.function, program.arguments

    def call_three_times() -> None:
        handed_on = state
        for _ in range(3):
            handed_on = train(key, handed_on)

    return compilations(call_three_times)
