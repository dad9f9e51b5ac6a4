"""A task's page: what it tests, an episode of it, its bounds, the learning curves and final scores of everybody."""

from typing import Any

from memorax_bench import stats
from memorax_bench.board import charts, links, words
from memorax_bench.board.grids import Cell, Column, Grid, Line, grid
from memorax_bench.board.looks import look_of
from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.board.views.cells import entry_cell, seeds_cell
from memorax_bench.measured.bounds import Bounds, key, load_bounds
from memorax_bench.report.ranking import why_task_unranked
from memorax_bench.report.render import FAILED_MARK
from memorax_bench.suite.catalogue import TaskSpec, load_catalogue
from memorax_bench.suite.schema import Task

SIZE = (760.0, 360.0)
NAMED = 8  # entries that have a colour and a name of their own in the chart


def context(ranking: Ranking, label: str, pictures: dict[str, str]) -> dict[str, Any]:
    """What the page of a task says. `pictures`: path of a picture -> what to say where there is none."""
    page, task = links.task(ranking, label), ranking.table.suite.tasks[label]
    spec = load_catalogue().tasks.get(task.id)
    measured = load_bounds().get(key(task.id, task.kwargs))
    picture = links.episode(task.id, task.kwargs, task.task_version)
    why = why_task_unranked(ranking.table.suite, label, task)
    return {
        "title": label,
        "memory": (spec.memory or "nothing") if spec else "not known: the catalogue does not have this task",
        "why_unranked": why,
        "facts": _facts(ranking, task, spec),
        "quirks": spec.quirks if spec else (),
        "picture": links.relative(page, picture),
        "no_picture": pictures.get(picture),
        "picture_words": f"An episode of {label}, played at random, as a strip of pictures",
        "bounds": _bounds(label, task, measured),
        "chart": _chart(ranking, label, measured),
        "scores": _scores(ranking, label, page),
        "not_run": _not_run(ranking, label),
        "normalised": task.ceiling is not None,
    }


def _facts(ranking: Ranking, task: Task, spec: TaskSpec | None) -> list[tuple[str, str]]:
    suite = ranking.table.suite
    facts = [("Task", key(task.id, task.kwargs)), ("Family", task.family), ("Version", str(task.task_version))]
    if spec is not None:
        facts += [("Observation", spec.observation), ("Action", spec.action), ("Source", spec.source)]
        if spec.episode_length is not None and not task.kwargs:
            facts.append(("Longest episode", words.plural(spec.episode_length, "step")))
    if task.horizon is not None:
        facts.append(("To be remembered for", words.plural(task.horizon, "step")))
    facts.append(("Budget", f"{task.total_env_steps or suite.protocol.total_env_steps:,} environment steps"))
    facts.append(
        ("Evaluation", f"{suite.protocol.eval_episodes} whole episodes, {_policy(suite.protocol.eval_policy)}")
    )
    packages = {r.comparable.task_package for r in ranking.table.records if r.cell.task in suite.tasks}
    own = {r.comparable.task_package for r in ranking.table.records if suite.tasks[r.cell.task].id == task.id}
    facts.append(("Package", words.listed(sorted(own or packages))))
    return facts


def _policy(name: str) -> str:
    return {"sample": "actions drawn from the policy", "greedy": "the likeliest action"}.get(name, name)


def _bounds(label: str, task: Task, measured: Bounds | None) -> Grid:
    """Where 0 and 1 are, and what no return can leave."""
    lines = [("Hard maximum", words.value(task.hard_max), "no return lies above")]
    if task.ceiling is not None:
        known = measured.ceiling if measured and measured.ceiling and measured.ceiling.value == task.ceiling else None
        how = known.source if known else task.source or ""
        lines.append(("Ceiling: 1", _with_error(task.ceiling, task.standard_error), f"{task.kind or 'given'}; {how}"))
    if measured is not None:
        lines.append(("Random play", _with_error(measured.random.value, measured.random.standard_error), "measured"))
    floor = measured.floor if measured and measured.floor.value == task.floor else None
    how = f"{floor.kind}; {floor.source}" if floor else "as the suite says"
    lines.append(("Floor: 0", words.value(task.floor), how))
    lines.append(("Hard minimum", words.value(task.hard_min), "no return lies below; diverged seeds count as this"))
    columns = (Column("Bound", number=False), Column("Return"), Column("How it is known", number=False))
    rows = [Line((Cell(name, header=True), Cell(value), Cell(how))) for name, value, how in lines]
    return grid("bounds", f"Bounds of {label}", columns, rows, plain=True)


def _with_error(value: float, error: float | None) -> str:
    return words.value(value) + (f" ± {error:.2g}" if error else "")


def _chart(ranking: Ranking, label: str, measured: Bounds | None) -> Any:
    """The mean curve of every entry. The best have a colour each and their name; a row of the table shows its own."""
    task = ranking.table.suite.tasks[label]
    lines = {(line.algorithm, line.torso): line for line in ranking.data.lines if line.task == label}
    order = [entry for entry in _by_score(ranking, label) if entry.name in lines]
    best = [entry.name for entry in order if entry.row.role is None][:NAMED]
    curves = []
    for entry in reversed(order):  # the best are drawn last, over the others
        line, name = lines[entry.name], entry_cell("", ranking, entry).text
        look = look_of(ranking, entry) if entry.name in best or entry.row.role else "other"
        shown = "" if look == "other" else name
        curves.append(charts.Curve(line.env_steps, line.mean, look, "/".join(entry.name), shown))
    levels = [charts.Level(task.ceiling, f"{_ceiling_word(task)} {words.value(task.ceiling)}")] if task.ceiling else []
    blind = measured.random.value if measured else task.floor
    levels.append(charts.Level(blind, f"{'random play' if measured else 'floor'} {words.value(blind)}"))
    longest = max((len(curve.label) for curve in curves), default=0)
    title = f"Mean return of {label} against environment steps, a line for each entry"
    return charts.chart(curves, levels, SIZE, title, labels=34 + 6.6 * min(longest, 26)) if curves else None


def _ceiling_word(task: Task) -> str:
    return "oracle" if task.kind == "oracle" else "ceiling"


def _by_score(ranking: Ranking, label: str) -> list[Entry]:
    """The entries that were run, best first."""
    run = [entry for entry in ranking.entries if label in entry.samples]
    return sorted(run, key=lambda entry: (not entry.sound, -float(entry.samples[label].mean()), entry.name))


def _scores(ranking: Ranking, label: str, page: str) -> Grid:
    task, order = ranking.table.suite.tasks[label], _by_score(ranking, label)
    found = {dots.algorithm + "/" + dots.torso: dots for dots in ranking.data.dots if dots.task == label}
    everything = [score for entry in order for score in entry.samples[label]]
    domain = charts.span(everything) if task.ceiling is not None else charts.span(everything, (0.0, 0.0))
    lines = []
    for entry in order:
        key, pool = "/".join(entry.name), entry.pools[label]
        raw = stats.failed_as(pool.scores, task.hard_min).mean()
        estimate = found[key].estimate
        cells = (
            entry_cell(page, ranking, entry),
            Cell(
                words.value(estimate.value),
                estimate.value,
                words.brackets(estimate),
                charts.dots(entry.samples[label], estimate, domain),
                look="score",
            ),
            Cell(words.value(float(raw)) + FAILED_MARK * bool(pool.failed), float(raw)),
            seeds_cell(len(pool.runs), len(pool.runs)),
            Cell(pool.device_kind or "", pool.device_kind),
        )
        lines.append(Line(cells, key=key, look=entry.kind))
    score = "Score" if task.ceiling is not None else "Return"
    columns = (
        Column("Entry", number=False),
        Column(score, "Mean over seeds, with its interval; a dot is a seed.", sorted="descending"),
        Column("Return", "The same in the units of the task."),
        Column("n"),
        Column("Device", number=False),
    )
    return grid("scores", f"Final scores of {label}", columns, lines)


def _not_run(ranking: Ranking, label: str) -> list[str]:
    return ["/".join(entry.name) for entry in ranking.entries if label not in entry.samples]
