"""What exists, by name. One dict literal per kind; values are "module:attribute" or a module, imported only when used.

The key is the one name of a variant everywhere: registry key = file = class stem = test id
(`mamba2` -> `mamba2.py` -> `Mamba2Cell`). To add a variant, write its file and list it here.
"""

import difflib
import importlib
from collections.abc import Iterable
from typing import Any

ALGORITHMS = {
    "a2c": "memorax.algorithms.a2c:A2C",
    "dqn": "memorax.algorithms.dqn:DQN",
    "ppo": "memorax.algorithms.ppo:PPO",
    "pqn": "memorax.algorithms.pqn:PQN",
    "qrc": "memorax.algorithms.qrc:QRC",
    "r2d2": "memorax.algorithms.r2d2:R2D2",
    "sac": "memorax.algorithms.sac:SAC",
    "stream_ac": "memorax.algorithms.stream_ac:StreamAC",
}

SEQUENCE_MODELS = {
    "attention": "memorax.networks.sequence_models.attention:Attention",
    "delta_net": "memorax.networks.sequence_models.delta_net:DeltaNetCell",
    "ffm": "memorax.networks.sequence_models.ffm:FFMCell",
    "frame_stack": "memorax.networks.sequence_models.frame_stack:FrameStack",
    "gated_delta_net": "memorax.networks.sequence_models.gated_delta_net:GatedDeltaNetCell",
    "gla": "memorax.networks.sequence_models.gla:GLACell",
    "gpt2": "memorax.networks.sequence_models.gpt2:GPT2",
    "gru": "memorax.networks.sequence_models.gru:GRUCell",
    "gtrxl": "memorax.networks.sequence_models.gtrxl:GTrXL",
    "linear_attention": "memorax.networks.sequence_models.linear_attention:LinearAttentionCell",
    "lru": "memorax.networks.sequence_models.lru:LRUCell",
    "lstm": "memorax.networks.sequence_models.lstm:LSTMCell",
    "mamba": "memorax.networks.sequence_models.mamba:MambaCell",
    "mamba2": "memorax.networks.sequence_models.mamba2:Mamba2Cell",
    "mamba3": "memorax.networks.sequence_models.mamba3:Mamba3Cell",
    "min_gru": "memorax.networks.sequence_models.min_gru:MinGRUCell",
    "min_lstm": "memorax.networks.sequence_models.min_lstm:MinLSTMCell",
    "mlp": "memorax.networks.sequence_models.mlp:MLP",
    "mlp_time": "memorax.networks.sequence_models.mlp_time:MLPTime",
    "mlstm": "memorax.networks.sequence_models.mlstm:MLSTMCell",
    "retnet": "memorax.networks.sequence_models.retnet:RetNetCell",
    "rtu": "memorax.networks.sequence_models.rtu:RTUCell",
    "s5": "memorax.networks.sequence_models.s5:S5Cell",
    "shm": "memorax.networks.sequence_models.shm:SHMCell",
    "slstm": "memorax.networks.sequence_models.slstm:SLSTMCell",
    "transformer_xl": "memorax.networks.sequence_models.transformer_xl:TransformerXL",
    "xlstm": "memorax.networks.sequence_models.xlstm:XLSTM",
}

# namespace -> the module that makes its environments (`memorax.environments.tasks` says what it has to have)
ENVIRONMENTS = {
    "brax": "memorax.environments.brax",
    "gymnax": "memorax.environments.gymnax",
    "navix": "memorax.environments.navix",
    "popgym": "memorax.environments.popgym",
    "xminigrid": "memorax.environments.xminigrid",
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
