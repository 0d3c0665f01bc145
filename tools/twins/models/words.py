"""Control words, which set fields by a number, and status words, which show fields as one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr


class Control(BaseModel):
    """One field that a control word sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Annotated[StrictStr, Field(min_length=1)]
    value: StrictBool | StrictInt | StrictFloat | StrictStr


class ControlValue(BaseModel):
    """What a control word does when it has this value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: StrictInt
    controls: tuple[Control, ...]


class StatusValue(BaseModel):
    """One entry of a status: shown while its field is true, or with `invert` while it is not.

    Deployed files also write ``default`` for ``value``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[StrictInt, Field(validation_alias=AliasChoices("value", "default"))]
    string: StrictStr
    field: Annotated[StrictStr, Field(min_length=1)]
    invert: StrictBool = False

    def shown(self) -> dict[str, Any]:
        """Return it as it is published, in the shape of a bit field."""
        return {"value": self.value, "string": self.string}
