"""What panels of tasks show: a task each, or a family each where there are more tasks than a figure has room for."""

from dataclasses import dataclass

from memorax_bench.report.frame import MOST_PANELS, Frame
from memorax_bench.report.tables import Table


@dataclass(frozen=True)
class Panel:
    """One task, or the tasks of a family of which the mean is shown, under one algorithm."""

    title: str
    tasks: tuple[str, ...]
    algorithm: str
    ranked: bool

    @property
    def single(self) -> bool:
        """Whether it shows one task, in the task's own units."""
        return len(self.tasks) == 1


def task_panels(table: Table, frame: Frame) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    """The panels, and what is said of what they leave out."""
    shown = {task for column in table.columns for task in column.tasks}
    tasks = [task for task in table.suite.tasks if task in shown]
    unranked = {task for column in table.columns if column.why_unranked is not None for task in column.tasks}
    if len(tasks) * len(frame.algorithms) <= MOST_PANELS:
        groups = {task: (task,) for task in tasks}
        remarks = []
    else:
        groups = _families(table, tasks)
        remarks = [f"{len(tasks)} tasks under {len(frame.algorithms)} algorithms: a panel shows the mean over a family"]
    algorithms = frame.algorithms[: max(1, MOST_PANELS // max(1, len(groups)))]
    if len(algorithms) < len(frame.algorithms) or len(groups) > MOST_PANELS:
        remarks.append(f"shown are the first {min(len(groups), MOST_PANELS)} of {len(groups)} families, under "
                       f"{', '.join(algorithms)}")  # fmt: skip
    panels = [
        Panel(name, members, algorithm, not unranked & set(members))
        for name, members in list(groups.items())[:MOST_PANELS]
        for algorithm in algorithms
    ]
    return tuple(panels), tuple(remarks)


def _families(table: Table, tasks: list[str]) -> dict[str, tuple[str, ...]]:
    """family -> its tasks that have a ceiling: others cannot be averaged."""
    groups: dict[str, list[str]] = {}
    for task in tasks:
        if table.suite.tasks[task].ceiling is not None:
            groups.setdefault(table.suite.tasks[task].family, []).append(task)
    return {
        family if len(members) == 1 else f"{family} ({len(members)} tasks)": tuple(members)
        for family, members in groups.items()
    }
