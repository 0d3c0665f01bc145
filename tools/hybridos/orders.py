"""What HybridOS can be told, and which register that is: words, or a power. No I/O."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ess_bus.hints import did_you_mean

COMMAND, POWER, REACTIVE = "command", "power", "reactive"
COMMANDS: Final = {"on": 1, "off": 2, "standby": 3, "clear": 4, "estop": 5, "release": 6}
REGISTERS: Final = {COMMAND: "control_command", POWER: "power_set_ac", REACTIVE: "active_set_ac"}
_UNITS: Final = {POWER: "kW", REACTIVE: "kvar"}


class Order(NamedTuple):
    """One thing to write.

    Attributes:
        register: its id in the map of the controller.
        value: in the unit of the register.
    """

    register: str
    value: float


def order_of_word(word: str) -> Order:
    """Return what a word of the command line orders: ``on``, ``off`` ..., ``power=250``, ``reactive=0``.

    Raises:
        ValueError: nothing; the text says what was expected.
    """
    name, is_assigned, text = word.partition("=")
    if not is_assigned:
        return order(COMMAND, word)
    if name not in _UNITS:
        raise ValueError(f"{name!r} cannot be assigned{did_you_mean(name, _UNITS)}; expected {_expected()}")
    try:
        return order(name, float(text))
    except ValueError:
        raise ValueError(f"{name}: expected a number of {_UNITS[name]}, got {text!r}") from None


def order(name: str, value: Any) -> Order:
    """Return what a set of ``/hybridos/NAME`` orders.

    Raises:
        LookupError: there is nothing of that name.
        ValueError: the value does not fit; the text says what was expected.
    """
    if name not in REGISTERS:
        raise LookupError(f"nothing to set at {name!r}{did_you_mean(name, REGISTERS)}")
    if name == COMMAND:
        if not isinstance(value, str) or value not in COMMANDS:
            raise ValueError(f"{str(value)[:40]!r} is no command; expected {_expected()}")
        return Order(REGISTERS[name], COMMANDS[value])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: expected a number of {_UNITS[name]}, got {str(value)[:40]!r}")
    return Order(REGISTERS[name], value)


def _expected() -> str:
    return f"{', '.join(COMMANDS)}, or on the command line {' or '.join(f'{name}=NUMBER' for name in _UNITS)}"
