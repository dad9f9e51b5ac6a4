"""What exists, by name. One dict literal per kind; values are "module:attribute" or a module, imported only when used.

The key is the one name of a variant everywhere: registry key = file = class stem = test id
(`mamba2` -> `mamba2.py` -> `Mamba2Cell`). To add a variant, write its file and list it here.
"""

import difflib
import importlib
from collections.abc import Iterable
from typing import Any

ALGORITHMS = {
    "ppo": "memorax.algorithms.ppo:PPO",
}

SEQUENCE_MODELS = {
    "gru": "memorax.networks.sequence_models.gru:GRUCell",
    "lru": "memorax.networks.sequence_models.lru:LRUCell",
    "mamba2": "memorax.networks.sequence_models.mamba2:Mamba2Cell",
    "mlp": "memorax.networks.sequence_models.mlp:MLP",
}

# namespace -> the module that makes its environments (`memorax.environments.tasks` says what it has to have)
ENVIRONMENTS = {
    "gymnax": "memorax.environments.gymnax",
    "popgym": "memorax.environments.popgym",
}


def resolve(path: str) -> Any:
    """The attribute that "module:attribute" names; `ValueError` says which part of it does not exist."""
    module_name, separator, attribute = path.partition(":")
    if not separator or not attribute:
        raise ValueError(f"{path!r} is not of the form 'module:attribute', such as 'my_models:MyCell'")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise ValueError(
            f"no module {error.name!r} (for {path!r}); is it installed, or its folder on the path?"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise unknown(f"attribute of module {module_name}", attribute, vars(module)) from None


def unknown(kind: str, value: str, allowed: Iterable[str]) -> ValueError:
    """An error for a name that is not listed: the nearest matches, and what is allowed."""
    names = sorted(name for name in allowed if not name.startswith("_"))
    close = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return ValueError(f"unknown {kind} {value!r}.{hint} Known: {', '.join(names)}")
