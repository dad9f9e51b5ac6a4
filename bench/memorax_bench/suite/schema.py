"""The suite file as pydantic models: what may be written, of which type, with which default.

`frozen` and closed to unknown keys. Checks that need the catalogue or compare sections are in `suite`.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from memorax_bench.identity import UNTUNED, slug
from memorax_bench.suite.coerce import (
    Boolean,
    CoerceError,
    Integer,
    Number,
    OptionalNumber,
    OptionalText,
    Text,
    list_of,
    optional,
    to_float,
    to_int,
    to_str,
)

INPUTS = ("observation", "previous_action", "previous_reward", "start")
MAX_SEED = 2**31 - 1


def as_inputs(value: Any) -> tuple[str, ...]:
    """What a network is fed, in one order whatever the order written: a subset of INPUTS with `observation`."""
    names = list_of(to_str)(value)
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise CoerceError(f"unknown input '{unknown[0]}'; allowed: {', '.join(INPUTS)}")
    if len(set(names)) != len(names):
        raise CoerceError("an input is listed twice")
    if "observation" not in names:
        raise CoerceError("must contain 'observation'")
    return tuple(name for name in INPUTS if name in names)


def as_seeds(value: Any) -> tuple[int, ...]:
    """`3` means 0, 1, 2; `[3, 4]` means these. Sorted."""
    if not isinstance(value, list | tuple):
        count = to_int(value)
        if not 1 <= count <= 10_000:
            raise CoerceError("the number of seeds is from 1 to 10000; or list them: [3, 4]")
        return tuple(range(count))
    seeds = list_of(to_int)(value)
    if not seeds:
        raise CoerceError("no seeds; write a number or a list")
    if len(set(seeds)) != len(seeds):
        raise CoerceError("a seed is listed twice")
    if min(seeds) < 0 or max(seeds) > MAX_SEED:
        raise CoerceError(f"a seed is from 0 to {MAX_SEED}")
    return tuple(sorted(seeds))


def _as_paths(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(list_of(to_str)(value))


def _as_labels(value: Any) -> tuple[str, ...]:
    labels = (value,) if isinstance(value, str) else tuple(list_of(to_str)(value))
    if not labels or len(set(labels)) != len(labels):
        raise CoerceError("expected one or more labels, each once")
    return labels


Slug = Annotated[Text, AfterValidator(slug)]
Label = Annotated[Text, Field(min_length=1)]
Inputs = Annotated[tuple[str, ...], BeforeValidator(as_inputs)]
Seeds = Annotated[tuple[int, ...], BeforeValidator(as_seeds)]
Paths = Annotated[tuple[str, ...], BeforeValidator(_as_paths)]
Labels = Annotated[tuple[str, ...], BeforeValidator(_as_labels)]
Positive = Annotated[Integer, Field(ge=1)]
PositiveOrNone = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(optional(to_int))]
Track = Literal["fixed", "lr4", "open"]
SchemaOne = Annotated[Literal[1], BeforeValidator(to_int)]


def _is_null(value: object) -> bool:
    return value is None


class Closed(BaseModel):
    """Frozen, and no key that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Protocol(Closed):
    """How every entry is trained and evaluated. Steps are environment steps of one seed."""

    total_env_steps: Positive
    eval_every: Positive
    eval_episodes: Positive
    eval_policy: Literal["sample", "greedy"]
    inputs: Inputs
    discount: Annotated[Number, Field(gt=0, le=1)]
    precision: Literal["float32"] = "float32"
    min_seeds: Positive


class Extrapolation(Closed):
    """A task with some of its options replaced, in which a trained agent is tested. Bounds not given are the task's."""

    kwargs: dict[str, Any] = Field(min_length=1)
    hard_min: OptionalNumber = None
    hard_max: OptionalNumber = None
    floor: OptionalNumber = None
    ceiling: OptionalNumber = None


class Task(Closed):
    """A task and its bounds: `hard_min`/`hard_max` no return can leave, `floor`/`ceiling` become 0 and 1.

    `horizon`: how many steps lie between what has to be remembered and the action that needs it. `extrapolate`: where
    agents that were trained on the task are tested, too. `oracle`: options that make it show what it hides.
    """

    id: Label
    task_version: Positive
    family: Label
    kwargs: dict[str, Any] = Field(default_factory=dict)
    rank: Boolean = True
    total_env_steps: PositiveOrNone = None
    hard_min: Number
    hard_max: Number
    floor: Number
    ceiling: OptionalNumber = None
    kind: Annotated[Literal["exact", "measured", "oracle"] | None, BeforeValidator(optional(to_str))] = None
    n: PositiveOrNone = None
    standard_error: Annotated[Annotated[float, Field(ge=0)] | None, BeforeValidator(optional(to_float))] = None
    source: OptionalText = None
    horizon: PositiveOrNone = None
    extrapolate: dict[Slug, Extrapolation] | None = None
    oracle: Annotated[dict[str, Any], Field(min_length=1)] | None = None

    def bounded(self, label: str) -> "Task":
        """The task with the bounds of one of its extrapolations."""
        assert self.extrapolate is not None
        given = self.extrapolate[label].model_dump(exclude={"kwargs"}, exclude_none=True)
        return self.model_copy(update=given)


class Interval(Closed):
    """The confidence interval of every aggregate."""

    method: Literal["bootstrap"] = "bootstrap"
    level: Annotated[Number, Field(gt=0, lt=1)] = 0.95
    reps: Positive = 10_000
    seed: Integer = 0


class Scoring(Closed):
    """Which score of a run counts, what the table sorts by, and the score from which a task counts as remembered."""

    final: Literal["last"] = "last"
    primary: Literal["family_mean"] = "family_mean"
    interval: Interval = Interval()
    horizon_at: Annotated[Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(optional(to_float))] = None


class Ranking(Closed):
    """One ranking: the sets in which an entry must be complete, the baseline, the correction over comparisons."""

    algorithms: Labels
    tasks: Labels
    baseline: OptionalText = None
    correction: Literal["holm", "none"] = "holm"


class Rankings(Closed):
    """Torsos are ranked within one set of algorithms and tasks."""

    torsos: Ranking | None = None


class NetworkSettings(Closed):
    """What surrounds the torso: encoder layers, width of the embedding, one torso for actor and critic or two."""

    encoder: Annotated[tuple[Positive, ...], BeforeValidator(list_of(to_int))] = (64,)
    embed: Positive = 64
    share_torso: Boolean = True


class Override(Closed):
    """Settings that differ where a condition holds: `{when: {torso: mamba2}, set: {algorithm.learning_rate: 3e-4}}`."""

    when: dict[Literal["task", "algorithm", "torso"], Labels] = Field(min_length=1)
    set: dict[str, Any] = Field(min_length=1)


class Tuning(Closed):
    """What finding the settings of an entry took: so many settings tried, each on these seeds; `env_steps` are those of
    all of it together.

    On the track lr4 also where: the suite, its hash, and in a record the score of every learning rate.
    """

    trials: Positive
    seeds: Seeds
    env_steps: Positive
    suite: OptionalText = Field(default=None, exclude_if=_is_null)
    benchmark_hash: OptionalText = Field(default=None, exclude_if=_is_null)
    scores: dict[Number, Number] | None = Field(default=None, exclude_if=_is_null)


class Tuned(Closed):
    """A learning rate and what it was chosen by: the score of each, and the hash of the other settings of its entry."""

    learning_rate: Number
    scores: dict[Number, Number] = Field(min_length=1)
    settings: Label


class Entries(Closed):
    """The open part: who takes part. Settings of algorithms and torsos are typed by the catalogue.

    `track`: how they were found; `tuning`: what that took; `tuned`: entry (`ppo/gru`) -> the learning rate chosen.
    """

    seeds: Seeds
    track: Track = UNTUNED
    tuning: Tuning | None = None
    tuned: dict[str, Tuned] = Field(default_factory=dict)
    network: NetworkSettings = NetworkSettings()
    algorithms: dict[Slug, dict[str, Any]] = Field(min_length=1)
    torsos: dict[Slug, dict[str, Any]] = Field(min_length=1)
    overrides: tuple[Override, ...] = ()
    include: Paths = ()


class Suite(Closed):
    """A whole suite file. `protocol`, `tasks`, `scoring` and `rankings` are the frozen part."""

    schema_version: SchemaOne = Field(alias="schema")
    name: Slug
    version: Annotated[Integer, Field(ge=0)]
    description: Text = ""
    protocol: Protocol
    tasks: dict[Slug, Task] = Field(min_length=1)
    scoring: Scoring = Scoring()
    rankings: Rankings = Rankings()
    entries: Entries

    def frozen_part(self) -> dict[str, Any]:
        """The versioned part as plain data. What is None is left out, so that a new optional key moves no hash."""
        return self.model_dump(mode="json", include={"protocol", "tasks", "scoring", "rankings"}, exclude_none=True)


def section(kind: Any, value: Any) -> Any:
    """A part of a file as its type, None where it is not sound: what is wrong with it the whole schema says."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def suite_schema() -> dict[str, Any]:
    """The JSON Schema of a suite file."""
    return Suite.model_json_schema(by_alias=True)
