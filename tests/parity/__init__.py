"""Every POPGym task of ours against the installed original, step by step: `FAMILIES` says how each is played.

`python -m parity --write`, with `tests` on the path, writes what was compared to docs/popgym-parity.md.
"""

from parity import bandit, cards, concentration, control, grid
from parity.family import Family

_FAMILIES = (*bandit.FAMILIES, *cards.FAMILIES, *concentration.FAMILIES, *control.FAMILIES, *grid.FAMILIES)
FAMILIES: dict[str, Family] = {family.name: family for family in sorted(_FAMILIES, key=lambda family: family.name)}
TASKS = tuple((family, difficulty) for family in FAMILIES for difficulty in ("Easy", "Medium", "Hard"))
