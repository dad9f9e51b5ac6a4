"""What keeps a record out of every ranking, by what is known when it is made."""

from collections.abc import Sequence


def why_not_rankable(draft: bool, frozen_changed: bool, dirty: bool, failed: Sequence[str]) -> tuple[str, ...]:
    """The reasons, in one order; empty where it may rank.

    draft: the suite's version is 0. frozen_changed: its frozen part is not the published one. dirty: the code had
    uncommitted changes. failed: gates that were not passed.
    """
    reasons = {
        "draft suite": draft,
        "the suite's frozen part was changed": frozen_changed,
        "uncommitted changes in the code": dirty,
        f"gate {', '.join(failed)}": bool(failed),
    }
    return tuple(reason for reason, applies in reasons.items() if applies)
