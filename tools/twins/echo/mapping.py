"""The configuration of outputs: which registers a device has, and what they have to do with the models."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Text = Annotated[StrictStr, Field(min_length=1, max_length=10_000)]
Register = Annotated[str, Field(pattern=r"^[^/\\\"%\s]+$", max_length=200)]
Repeat = Annotated[StrictInt, Field(ge=1, le=1000)]
Seconds = Annotated[StrictFloat | StrictInt, Field(gt=0, le=1e6)]

_COMPONENTS: Final = "/components/"


class Strict(BaseModel):
    """A part of the mapping; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Calculated(Strict):
    """A value to set: ``{1}`` is what was written, ``{2}`` ... are `fields`.

    Attributes:
        expression: what is calculated.
        fields: fields of the component, or ``ID/field``.
    """

    expression: Text
    fields: tuple[Text, ...] = ()


Settings = Annotated[dict[Text, Scalar | Calculated], Field(min_length=1)]


class Write(Strict):
    """What a written value does: `set` fields, if `when` holds for it.

    Attributes:
        when: an expression, in which ``{1}`` is the value.
        set: field -> what it is set to.
    """

    when: Text | None = None
    set: Settings


class Computed(Strict):
    """A register that shows fields: one as it is, or an expression of several.

    Attributes:
        field: a field of the component of the input, or ``ID/field``.
        fields: several, ``{1}``, ``{2}`` ... of the expression.
        expression: what the register shows.
        write: what writing does; without it, a register with an expression cannot be written.
    """

    field: Text | None = None
    fields: tuple[Text, ...] = ()
    expression: Text | None = None
    write: tuple[Write, ...] = ()


class Held(Strict):
    """A register that holds what was written.

    Attributes:
        value: at start.
        write: what writing does besides.
        momentary: it has its first value again as soon as that was done.
    """

    value: Scalar
    write: tuple[Write, ...] = ()
    momentary: StrictBool = False


class Heartbeat(Strict):
    """A register that counts: 0 to `modulo` - 1, one more each `period` seconds.

    Attributes:
        register_id: the register.
        period: s.
        modulo: it begins again at this number.
    """

    register_id: Annotated[Register, Field(alias="register")]
    period: Seconds = 1.0
    modulo: Annotated[StrictInt, Field(ge=2, le=1 << 32)] = 65536


class Watchdog(Strict):
    """What happens when a register that must be written again and again is not.

    Attributes:
        register_id: it lives while it gets another value; it is watched from the first one on.
        timeout: s without one; or `timeout_register`, where 0 is never.
        set: what is set then; ``{1}`` is the last value.
        back: what is set when it lives again.
    """

    register_id: Annotated[Register, Field(alias="register")]
    timeout: Seconds | None = None
    timeout_register: Register | None = None
    set: Settings
    back: Settings | None = None


class InputMapping(Strict):
    """Registers of one component; a text is the name of a field that is read and written as it is.

    Attributes:
        uri: the component, ``/components/ID``.
        repeat: how many components: ``${NAME}`` is the number of each.
        registers: register -> what it shows.
    """

    uri: Text
    repeat: Repeat = 1
    registers: Annotated[dict[Register, Text | Computed], Field(min_length=1)]

    @field_validator("uri")
    @classmethod
    def _is_component(cls, uri: str) -> str:
        return _require_component(uri)


class OutputMapping(Strict):
    """A published object. With `repeat`, a ``${NAME}`` in any text is the number, from 1.

    Attributes:
        uri: where it is published, ``/components/ID``.
        publish_rate: how often, in ms; as the plant's if not said.
        repeat: how many objects.
        heartbeat: a register that counts.
        inputs: registers that show components.
        echo: registers that hold what is written.
        watch: registers that must be written again and again.
        note: for people.
    """

    uri: Text
    publish_rate: Annotated[StrictInt | None, Field(alias="publishRate", ge=1, le=3_600_000)] = None
    repeat: Repeat = 1
    heartbeat: Register | Heartbeat | None = None
    inputs: tuple[InputMapping, ...] = ()
    echo: dict[Register, Scalar | Held] = {}
    watch: tuple[Watchdog, ...] = ()
    note: StrictStr = ""

    @field_validator("uri")
    @classmethod
    def _is_component(cls, uri: str) -> str:
        return _require_component(uri)


def component_of(uri: str) -> str:
    """Return the component that a URI of a mapping names."""
    return uri.removeprefix(_COMPONENTS)


def _require_component(uri: str) -> str:
    name = uri.removeprefix(_COMPONENTS)
    if name == uri or not name or "/" in name:
        raise ValueError(f'expected "/components/ID", got {uri[:60]!r}')
    return uri
