"""How figures look: colours and dashes of methods, fonts, how files are written. Drawn without pyplot and its state.

The same data give the same bytes: no dates, fixed ids in the SVG, text as paths.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
from matplotlib.figure import Figure

from memorax_bench.report.document import DPI

Dash = str | tuple[int, tuple[float, ...]]

# Okabe-Ito without yellow and black, then Tol's muted: told apart with every common colour vision deficiency.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#332288", "#882255", "#999933", "#44AA99")
BROWN = "#7F4F24"
CONTROL_GREYS = ("#4D4D4D", "#8C8C8C", "#B3B3B3")
DASHES: tuple[Dash, ...] = ("-", (0, (5, 1.6)), (0, (2.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)))
OWN_DASH: Dash = (0, (4, 1, 1, 1, 1, 1))  # of methods that the library does not have
COLOURS = (*PALETTE, BROWN)
METHODS = (  # by dashes, in the order of the colours: relatives, which often end side by side, differ in colour
    (
        *("gru", "lru", "mamba2", "lstm", "s5", "attention", "linear_attention", "xlstm", "delta_net", "ffm"),
        "frame_stack",
    ),
    ("mamba", "min_gru", "min_lstm", "rtu", "gla", "retnet", "mlstm", "gpt2", "shm", "gated_delta_net", "gtrxl"),
    ("transformer_xl", "mamba3", "slstm", "mlp_time"),
)
INK, FAINT, PALE, RULE = "#262626", "#6B6B6B", "#C3C7CC", "#E8E8E8"
SMALL, TINY = 7.0, 6.5  # points
COMPRESSION = 4  # of 9, which would take three times as long for a few percent
STYLE = {
    "font.size": 7.5,
    "axes.titlesize": 8.0,
    "axes.labelsize": 7.5,
    "axes.labelpad": 2.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 4.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "svg.fonttype": "path",
    "svg.hashsalt": "memorax-bench",
    "path.simplify": False,
}


@dataclass(frozen=True)
class Look:
    """The colour and the dashes of a method, its own for good."""

    colour: str
    dash: Dash

    def line(self, width: float = 1.5) -> dict:
        """As matplotlib wants it."""
        return {"color": self.colour, "ls": self.dash, "lw": width}


ORACLE = Look(INK, OWN_DASH)
_KNOWN = {
    name: Look(colour, dash)
    for dash, names in zip(DASHES, METHODS, strict=False)
    for name, colour in zip(names, COLOURS, strict=False)
}


def looks(torsos: Iterable[str], roles: Mapping[str, str] = MappingProxyType({})) -> dict[str, Look]:
    """A Look for each label: the library's torsos have theirs for good, other labels one that depends on their name.

    Two share both colour and dashes only where more than ten are not the library's. By their `roles` controls are grey
    and dashed, oracles black.
    """
    controls = sorted(label for label in set(torsos) if roles.get(label) == "control")
    found = {
        label: Look(CONTROL_GREYS[i % len(CONTROL_GREYS)], DASHES[1 + i % (len(DASHES) - 1)])
        for i, label in enumerate(controls)
    }
    for label in sorted(set(torsos) - set(controls)):
        known = ORACLE if roles.get(label) == "oracle" else _KNOWN.get(label)
        found[label] = known or _own(label, found.values())
    return found


def _own(label: str, taken: Iterable[Look]) -> Look:
    start = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "big") % len(PALETTE)
    turn = [Look(colour, OWN_DASH) for colour in (*PALETTE[start:], *PALETTE[:start])]
    taken = set(taken)
    return next((look for look in turn if look not in taken), turn[0])


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Whatever the caller's settings of matplotlib are, these are the figure's; they are the caller's again after."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        yield


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Writes `<stem>.png` and `<stem>.svg`."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    figure.savefig(png, dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": COMPRESSION})
    figure.savefig(svg, metadata={"Date": None, "Creator": "memorax-bench"})
    return png, svg
