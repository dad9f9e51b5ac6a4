"""How many seeds to train together: measured once for each kind of device and shape of cell. No jax.

Seeds are vmapped, so a wider batch costs an accelerator little and a CPU all of it. A shape is a cell's configuration;
what was measured is kept in the results folder and used by every later `plan` and `run` of that shape.
"""

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from memorax_bench.identity import sha256_json
from memorax_bench.records.durable import make_folder

MEASURE = "measure"  # in place of a width: find it
WIDEST = 64


def shape_of(config: Mapping[str, Any]) -> str:
    """Cells of one shape are as fast: the budget and the learning rate do not enter."""
    protocol = {key: value for key, value in config["protocol"].items() if key not in ("total_env_steps", "eval_every")}
    algorithm = config["algorithm"]
    settings = {key: value for key, value in algorithm["settings"].items() if key != "learning_rate"}
    return sha256_json({**config, "protocol": protocol, "algorithm": {**algorithm, "settings": settings}})[:16]


def candidates(seeds: int) -> tuple[int, ...]:
    """The powers of two below a number of seeds, and the number itself."""
    most = min(seeds, WIDEST)
    return (*(2**i for i in range(most.bit_length()) if 2**i < most), most)


def best_width(seconds: Mapping[int, float | None], seeds: int) -> int | None:
    """The width at which all seeds are done first; the smaller of two equal ones; None where nothing was measured.

    seconds: width -> seconds of some work of that many seeds; None where it could not be done, for lack of memory.
    """
    known = {width: math.ceil(seeds / width) * value for width, value in seconds.items() if value is not None}
    return min(known, key=lambda width: (known[width], width), default=None)


class Widths:
    """What was measured, as files of a results folder: `.work/widths/<shape>-<device>.json`."""

    def __init__(self, results: Path, device_kind: str):
        self.folder = results / ".work" / "widths"
        self.device_kind = device_kind
        self.known: dict[str, int] = {}
        for path in self.folder.glob(f"*-{self._device()}.json"):
            try:
                self.known[path.name[:16]] = int(json.loads(path.read_text(encoding="utf-8"))["width"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # it is measured again

    def get(self, config: Mapping[str, Any]) -> int | None:
        """The width found for a shape."""
        return self.known.get(shape_of(config)) if self.known else None

    def note(self, config: Mapping[str, Any], seconds: Mapping[int, float | None], seeds: int) -> int | None:
        """Keeps a measurement and returns the width that it speaks for."""
        width = best_width(seconds, seeds)
        if width is not None:
            shape = shape_of(config)
            make_folder(self.folder)
            temporary = self.folder / f".{shape}.{uuid.uuid4().hex}"
            data = {"width": width, "seeds": seeds, "device_kind": self.device_kind, "seconds": dict(seconds)}
            temporary.write_text(json.dumps(data), encoding="utf-8")
            temporary.replace(self.folder / f"{shape}-{self._device()}.json")
            self.known[shape] = width
        return width

    def _device(self) -> str:
        return sha256(self.device_kind.encode()).hexdigest()[:8]


def unmeasured(actions: Sequence[Any], widths: Widths) -> list[Any]:
    """One action of each shape that nothing decides the width of: no record, no measurement, several seeds."""
    found: dict[str, Any] = {}
    for action in actions:
        if action.width_is_open and len(action.seeds) > 1 and widths.get(action.cell.config) is None:
            found.setdefault(shape_of(action.cell.config), action)
    return list(found.values())
