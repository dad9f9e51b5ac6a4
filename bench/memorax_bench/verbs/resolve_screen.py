"""The words of `memorax-bench plan --resolve`."""

from collections.abc import Iterable

from memorax_bench import stats
from memorax_bench.report.ranking import MIN_RANKED_SEEDS
from memorax_bench.report.resolving import Pair, Resolution
from memorax_bench.verbs.plan_screen import aligned


def render(found: Resolution) -> str:
    """What `plan --resolve` adds to the screen, without a final newline."""
    divided = max((each.divided for each in found.algorithms), default=1)
    among = f", Holm's first of {divided} comparisons" if divided > 1 else ""
    test = f"power {found.power:.0%}, two-sided {found.level:.0%}{among}"
    lines = [f"seeds of each that resolve {found.difference:g} of the ranked score ({test}):"]
    rows = [_pair_row(each.algorithm, pair) for each in found.algorithms for pair in each.pairs]
    lines += aligned([("torsos", "spread", "stored", "needed", ""), *rows]) if rows else ()
    lines += [f" {each.algorithm}: {each.why}" for each in found.algorithms if each.why]
    return "\n".join([*lines, *_notes(found)])


def _pair_row(algorithm: str, pair: Pair) -> tuple[str, ...]:
    name = " - ".join(f"{algorithm}/{torso}" for torso in pair.torsos)
    if pair.spread is None:
        return name, "-", str(pair.seeds), "?", pair.why
    return name, f"{pair.spread:.3f}", str(pair.seeds), f"{_mark(pair)}{pair.needed}", ""


def _mark(pair: Pair) -> str:
    return "~" if pair.seeds < stats.FEW_SEEDS else ""


def _notes(found: Resolution) -> Iterable[str]:
    if found.needed is None:
        return
    known = [pair for each in found.algorithms for pair in each.pairs if pair.spread is not None]
    few = f"; ~: of fewer than {stats.FEW_SEEDS} seeds, uncertain itself" if any(map(_mark, known)) else ""
    yield f" spread: standard deviation of the ranked score of one seed{few}"
    if found.needed < MIN_RANKED_SEEDS:
        yield f" all of them: seeds={MIN_RANKED_SEEDS}, fewer are not ranked"
    else:
        yield f" all of them: seeds={found.needed}"
