"""What an action says, read once: variables are set far more often than their actions (engine.md 2.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ess_bus.engine.target import Target

# A key that an item does not have; null is a value of theirs.
ABSENT: Final[Any] = object()


class Action(StrEnum):
    """The actions that are carried out (``bitmap`` is not; its own authors advise against it)."""

    REMAP = "remap"
    ENUM = "enum"
    BITFIELD = "bitfield"
    BITSET = "bitset"
    LIMITS = "limits"
    FUNC = "func"


@dataclass(frozen=True, slots=True)
class Condition:
    """When an item applies.

    Attributes:
        enable: a bool, or where one is; ``None`` for always. It has the last word over `enabled`.
        enabled: a plain switch.
        if_changed: only if the input has changed.
        input: read in the place of the variable's own value.
        value, value_at: what the input must equal: a constant, or where it is.
        use_range: the input may be `above` over the value and `below` under it.
        ignored, ignored_at: an input that equals this is passed over.
        mask, shift: what of a whole number is compared: ``(input >> shift) & mask``.
        compares: whether the item follows from certain values only.
        is_gated: whether something may keep the item from being looked at.
        is_free: whether it follows from every value that is valid.
    """

    enable: bool | Target | None = None
    enabled: bool = True
    if_changed: bool = False
    input: Target | None = None
    value: Any = ABSENT
    value_at: Target | None = None
    use_range: bool = False
    above: float = 0
    below: float = 0
    ignored: Any = ABSENT
    ignored_at: Target | None = None
    mask: int = 0
    shift: int = 0
    # These follow from the others, and are asked for with each value.
    compares: bool = field(init=False)
    is_gated: bool = field(init=False)
    is_free: bool = field(init=False)

    def __post_init__(self) -> None:
        compares = self.value is not ABSENT or self.value_at is not None
        passes_over = self.ignored is not ABSENT or self.ignored_at is not None
        object.__setattr__(self, "compares", compares)
        object.__setattr__(self, "is_gated", self.if_changed or self.enable is not None or not self.enabled)
        object.__setattr__(self, "is_free", not compares and not passes_over)


@dataclass(frozen=True, slots=True)
class Output:
    """What an item sets its target to; the input if nothing is said.

    Attributes:
        value, value_at: where the condition holds,
        else_value, else_at: and where it does not; then nothing by default.
        after_s: the time so many seconds from now.
        scale, offset: a copied number is multiplied by one, and the other is subtracted then.
        says_else: whether something is set where the condition does not hold.
    """

    value: Any = ABSENT
    value_at: Target | None = None
    else_value: Any = ABSENT
    else_at: Target | None = None
    after_s: float | None = None
    scale: float = 1
    offset: float = 0
    says_else: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "says_else", self.else_value is not ABSENT or self.else_at is not None)


@dataclass(frozen=True, slots=True)
class Message:
    """How an item sends a message in the place of setting its target.

    Attributes:
        method: ``set``, ``pub`` or ``get``.
        replyto: where the answer shall go; ``{essName}`` is the engine's name.
        naked: values are sent without ``{"value": ...}`` around them.
    """

    method: str
    replyto: str | None = None
    naked: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an action.

    Attributes:
        target: what is set; functions and limits need none.
        direct: set it without running its actions.
        forced: its actions run as if its value had changed.
        bit: of the input (bitfield, from 0) or of the target (bitset, from 1; 0 is none).
        solo: the bit becomes the whole value of the target.
        function, asset: what is called, and for whom.
        low, high, low_at, high_at: the limits.
        default, default_value: what is set where no item of an enum matches.
    """

    condition: Condition
    output: Output
    target: Target | None = None
    message: Message | None = None
    direct: bool = False
    forced: bool = False
    bit: int = 0
    solo: bool = False
    function: str | None = None
    asset: str | None = None
    low: float | None = None
    high: float | None = None
    low_at: Target | None = None
    high_at: Target | None = None
    default: Target | None = None
    default_value: Any = ABSENT


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a variable: what is done with its items."""

    action: Action
    items: tuple[Item, ...]
