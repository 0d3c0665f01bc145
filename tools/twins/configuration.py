"""The configuration of a plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from ess_bus.configuration import read_json, validate

Value = StrictBool | StrictInt | StrictFloat | StrictStr
Name = Annotated[str, Field(pattern=r"^[^/{}\\\"%\s]+$")]


class PlantConfiguration(BaseModel):
    """What a plant holds and how often it tells.

    Attributes:
        publish_rate_ms: every component is published this often, in milliseconds.
        components: component id -> register -> value at start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish_rate_ms: Annotated[StrictInt, Field(alias="publishRate", ge=1, le=3_600_000)] = 1000
    components: Annotated[dict[Name, Annotated[dict[Name, Value], Field(min_length=1)]], Field(min_length=1)]


def load(path: Path) -> PlantConfiguration:
    """Load a plant's configuration.

    Raises:
        ConfigurationError: it cannot be read, or a field is wrong.
    """
    return validate(PlantConfiguration, read_json(path), path)
