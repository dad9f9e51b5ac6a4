"""Arguments that several verbs share: which suite, with which overrides."""

import os
import sys
from collections.abc import Sequence

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.load import ResolvedSuite, load_suite, shipped_suites


def resolve(arguments: Sequence[str] | None) -> ResolvedSuite:
    """The suite that the arguments name, with their overrides. Raises UsageProblems."""
    sys.path.insert(0, os.getcwd())  # a user's own torso or algorithm lies in the working directory
    name, overrides = suite_argument(arguments)
    return load_suite(name, overrides)


def suite_argument(arguments: Sequence[str] | None) -> tuple[str, list[str]]:
    """The suite asked for and the other arguments. Raises UsageProblems where there is not exactly one suite."""
    names = [argument.removeprefix("suite=") for argument in arguments or [] if argument.startswith("suite=")]
    if len(names) != 1 or not names[0]:
        message = "which suite?" if not names else "exactly one suite= is needed"
        fix = "for example: memorax-bench plan suite=quick"
        raise UsageProblems([Problem(message, allowed=[f"suite={name}" for name in shipped_suites()], fix=fix)])
    return names[0], [argument for argument in arguments if not argument.startswith("suite=")]
