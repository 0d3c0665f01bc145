"""What the keys ask of the engine: the set that they send, and the command of the shell that does the same."""

from __future__ import annotations

import shlex
from math import isfinite
from typing import Final, NamedTuple

import orjson

from tools.view.shown import plain, text_of
from tools.view.store import Store

Value = bool | float


class Key(NamedTuple):
    """A key that operates the site.

    Attributes:
        key: what is pressed.
        label: what it asks for, in a word or two.
        short: the same where there is little room.
        name: the variable of ``/controls/<ess>``.
        warning: what follows from it, to be confirmed; empty where it is done at once.
        is_number: whether a number has to be typed.
    """

    key: str
    label: str
    short: str
    name: str
    warning: str = ""
    is_number: bool = False


# What makes the plant safe is done at once; what moves it, or lets it move again, is asked for twice.
ON: Final = Key("o", "On", "On", "OnCmd", "contactors close and the PCS starts")
OFF: Final = Key("f", "Off", "Off", "OffCmd")
STANDBY: Final = Key("b", "Standby", "Standby", "StandbyCmd", "contactors may close")
ACTIVE: Final = Key("p", "Set point P", "Set P", "ActivePowerSetpoint", is_number=True)
REACTIVE: Final = Key("r", "Set point Q", "Set Q", "ReactivePowerSetpoint", is_number=True)
CLEAR: Final = Key("c", "Clear faults", "Clear", "ClearFaultsCmd", "faults are cleared, at the devices too")
E_STOP: Final = Key("e", "E-STOP", "E-STOP", "EStop")
KEYS: Final = (E_STOP, ON, OFF, STANDBY, ACTIVE, REACTIVE, CLEAR)
_RELEASE: Final = "the emergency stop is released"


class Order(NamedTuple):
    """A set to be sent.

    Attributes:
        label: what is asked for.
        uri: where.
        value: what.
        warning: as of its key.
    """

    label: str
    uri: str
    value: Value
    warning: str = ""

    def shell(self, bus: str | None = None) -> str:
        """Return the command that does the same."""
        where = f" --bus {shlex.quote(bus)}" if bus else ""
        return f"fims_send{where} -m set -u {shlex.quote(self.uri)} -r /me {orjson.dumps(self.value).decode()}"


class Refusal(Exception):
    """A key has nothing that it could send; the text says why."""


def order(key: Key, store: Store, ess: str | None, typed: str = "") -> Order:
    """Return what a key asks for now.

    Args:
        key: which.
        store: what the engine has said.
        ess: the asset that is operated.
        typed: the number, as a person has typed it.

    Raises:
        Refusal: this site has no such control, or the number is none.
    """
    if ess is None or not store.has(f"/controls/{ess}", key.name):
        # Off and the emergency stop are never kept back: what is not known yet may well be there.
        if store.tables:
            raise Refusal(f"{key.label}: the engine has no /controls/{ess or 'ess'}:{key.name}")
        if key not in (OFF, E_STOP):
            raise Refusal(f"{key.label}: not sent: nothing is known of the engine yet ({store.trouble})")
        ess = ess or "ess"
    uri = f"/{store.engine}/controls/{ess}/{key.name}"
    if key.is_number:
        value = parsed(key.label, typed)
        return Order(f"{key.label} {text_of(value)}", uri, value)
    if key is E_STOP and store.value(f"/controls/{ess}", key.name) is True and not store.trouble:
        return Order("Release E-STOP", uri, False, _RELEASE)
    return Order(key.label, uri, True, key.warning)


def parsed(label: str, typed: str) -> float:
    """Return the number that a person has typed.

    Raises:
        Refusal: it is none.
    """
    text = typed.strip().replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # float() also takes nan, inf and 1_000.
    if not isfinite(value) or "_" in text:
        raise Refusal(f"{label}: expected a number such as 250 or -37.5, got {plain(typed, 30)!r}")
    return int(value) if value.is_integer() else value


def shells(store: Store, ess: str | None, bus: str | None) -> list[tuple[Key, str]]:
    """Return what to type in a shell for each key."""
    found = []
    for key in KEYS:
        uri = f"/{store.engine}/controls/{ess or 'ess'}/{key.name}"
        found.append((key, Order(key.label, uri, 250 if key is ACTIVE else 50 if key.is_number else True).shell(bus)))
    return found
