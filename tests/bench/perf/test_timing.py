"""Timing by two sides that are made up: what is refused, what is lost, what is measured again."""

import contextlib
import itertools
import random

from memorax_bench.perf.pairs import SAME, SLOWER, UNMEASURED
from memorax_bench.perf.sides import Refused, SideLost
from memorax_bench.perf.timing import time_programs


class Pretended:
    """A side whose programs take `seconds`; what is missing cannot be built, what is None kills it."""

    def __init__(self, name: str, seconds: dict[str, float | None]):
        self.name, self.seconds, self.asked = name, seconds, []

    def send(self, what: str, **request) -> None:
        self.asked.append((what, request))

    def receive(self) -> dict:
        what, request = self.asked[-1]
        if request["program"] not in self.seconds:
            raise Refused(f"KeyError: {request['program']}")
        if self.seconds[request["program"]] is None and what == "measure":
            raise SideLost(f"{self.name} was killed by SIGSEGV")
        return {"seconds": self.seconds[request["program"]]}

    def ask(self, what: str, **request) -> dict:
        self.send(what, **request)
        return self.receive()


def timed(*generations: tuple[dict, dict], programs: str) -> dict:
    """What is found where every new pair of sides is the next of `generations`, and the last for good."""
    left, started = itertools.chain(generations, itertools.repeat(generations[-1])), []

    @contextlib.contextmanager
    def start():
        base, head = next(left)
        started.append((Pretended("base", base), Pretended("head", head)))
        yield started[-1]

    rows = time_programs(start, programs.split(), 1.0, random.Random(0), say=lambda line: None)
    assert [row.program for row in rows] == programs.split()
    return {"started": len(started), "sides": started, **{row.program: row for row in rows}}


def test_programs_are_compiled_first_and_timed_after():
    found = timed(({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.02}), programs="a b")
    assert {found["a"].verdict, found["b"].verdict} == {SAME} and found["started"] == 1
    assert (found["b"].base, found["b"].head, found["b"].ratio.pairs) == (2.0, 2.02, 10)
    for side in found["sides"][0]:
        assert [what for what, _ in side.asked[:3]] == ["build", "build", "measure"]


def test_short_programs_are_called_several_times_a_turn():
    found = timed(({"a": 0.001}, {"a": 0.001}), programs="a")
    assert {request["calls"] for what, request in found["sides"][0][0].asked[2:]} == {100}


def test_a_slowdown_is_one_if_fresh_processes_say_so_too():
    slow, equal = ({"a": 1.0, "b": 1.0}, {"a": 1.3, "b": 1.0}), ({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0})
    again = timed(slow, programs="a b")
    assert (again["a"].verdict, again["b"].verdict, again["started"]) == (SLOWER, SAME, 3)
    assert {request["program"] for _, request in again["sides"][1][0].asked} == {"a"}
    assert timed(slow, equal, programs="a b")["a"].verdict == SAME
    assert timed(slow, slow, equal, programs="a b")["a"].verdict == SAME


def test_programs_take_turns():
    """So that the pairs of each are far apart in time."""
    found = timed(({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0}), programs="a b")
    asked = [request["program"] for what, request in found["sides"][0][0].asked if what == "measure"]
    assert asked[-8:] == ["a", "a", "b", "b"] * 2


def test_what_cannot_be_built_is_not_measured_and_says_where():
    found = timed(({"a": 1.0}, {"a": 1.0, "new": 1.0}), programs="new a")
    assert (found["new"].verdict, found["new"].why) == (UNMEASURED, "base: KeyError: new")
    assert found["a"].verdict == SAME and found["started"] == 1


def test_a_lost_side_costs_one_program():
    found = timed(({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "b": None, "c": 1.0}), programs="a b c")
    assert (found["b"].verdict, found["b"].why) == (UNMEASURED, "head was killed by SIGSEGV")
    assert found["a"].verdict == found["c"].verdict == SAME and found["started"] == 2
