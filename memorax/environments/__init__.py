"""Environments under one contract (`types.Environment`), made by name.

env, env_params = make("popgym::RepeatPreviousEasy")
"""

from typing import Any

from memorax import registry
from memorax.environments.types import Environment

# What to install for a namespace whose library is optional; the other libraries come with the package.
EXTRAS = {"navix": "memorax-bench[navix]", "brax": "memorax-bench[brax]", "xminigrid": "memorax-bench[xminigrid]"}


def make(name: str, **kwargs: Any) -> tuple[Environment, Any]:
    """The environment `"namespace::id"` and its params. `kwargs` are options of that environment.

    Raises `ValueError` for a name without "::", an unknown namespace, id or option, or a value that is not allowed, and
    `ModuleNotFoundError`, saying what to install, when the library behind the namespace is missing.
    """
    namespace, separator, environment_id = name.partition("::")
    if not separator:
        raise ValueError(f"environment {name!r} has no namespace; write 'namespace::id', such as 'popgym::{name}'")
    if namespace not in registry.ENVIRONMENTS:
        raise registry.unknown("environment namespace", namespace, registry.ENVIRONMENTS)
    try:
        return registry.resolve(f"{registry.ENVIRONMENTS[namespace]}:make")(environment_id, **kwargs)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "memorax":
            raise  # ours is missing: a broken installation, not an extra
        requirement = EXTRAS.get(namespace, error.name)
        raise ModuleNotFoundError(
            f"environment {name!r} needs the package {error.name!r}, which is not installed; "
            f"pip install '{requirement}'",
            name=error.name,
        ) from error


__all__ = ["Environment", "make"]
