"""What is known of the served variables, and where in the registers of which units that is shown; pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modbus_bridge.config.model import Kind, ServedPoint
from modbus_bridge.serving import served as meaning
from modbus_bridge.serving.registers import Registers, Slot
from modbus_bridge.values import codec

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """One place where a variable is shown."""

    registers: Registers
    slot: Slot
    served: ServedPoint


class Variables:
    """The values by owner and name. One variable may be shown in several tables and units."""

    def __init__(self, units: Iterable[Registers]) -> None:
        self._places: dict[str, dict[str, list[Place]]] = {}
        self._heard: dict[str, dict[str, Any]] = {}
        self._unusable: set[tuple[str, str]] = set()
        # Individual bits are told by name, or all of them by the number of their register: (owner, id) of the latter.
        self._by_number: set[tuple[str, str]] = set()
        # Owner -> name -> the names in the other form.
        self._other_form: dict[str, dict[str, tuple[str, ...]]] = {}
        self._all: list[Place] = []
        for registers in units:
            for slot in registers.slots:
                for served in slot.served:
                    self._add(Place(registers, slot, served))

    @property
    def owners(self) -> list[str]:
        """The URIs of all owners."""
        return list(self._places)

    @property
    def unknown(self) -> list[str]:
        """The URIs of the variables whose value is not known."""
        found = (f"{place.served.uri}/{place.served.point.id}" for place in self._all if not _is_known(place))
        return list(dict.fromkeys(found))

    def heard(self, owner: str) -> Mapping[str, Any]:
        """Return the values of an owner that are known now, by the names that it uses."""
        return self._heard[owner]

    def lacking(self, owner: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an owner's answer tells that is not known, in whichever form it was heard."""
        heard, others = self._heard[owner], self._other_form[owner]
        return {
            name: value
            for name, value in answer.items()
            if name not in heard and not any(other in heard for other in others.get(name, ()))
        }

    def update(self, owner: str, assigned: Mapping[str, Any]) -> None:
        """Take over what an owner says; ``None`` makes a value unknown, and names that are not served are ignored."""
        places, heard = self._places[owner], self._heard[owner]
        for name, value in assigned.items():
            if name not in places:
                continue
            if value is None:
                heard.pop(name, None)
            elif name in heard and _is_same(heard[name], value):
                continue
            else:
                heard[name] = value
                self._note_form(owner, name, value)
            for place in places[name]:
                self._store(place, name, value)

    def doubt(self, owner: str, names: Iterable[str]) -> None:
        """Let the next answer of an owner decide on these values: a write may or may not have changed them."""
        for name in names:
            self._heard[owner].pop(name, None)

    def forget(self, owner: str) -> None:
        """Make everything of an owner unknown."""
        self.update(owner, dict.fromkeys(self._places[owner]))

    def assignments(self, slot: Slot, words: Sequence[int]) -> dict[str, dict[str, Any]]:
        """Return what a write of whole registers means: owner -> name -> value.

        Of registers that several variables share, and of individual bits, what differs from what is known; everything
        if nothing does.

        Raises:
            Fault: illegal value.
        """
        changed = codec.joined(words) ^ slot.bits | ~slot.known
        everything = not any(changed & meaning.needed(served.point) for served in slot.served)
        found: dict[str, dict[str, Any]] = {}
        for served in slot.served:
            mask = -1 if everything or len(slot.served) == 1 else changed
            if mask & meaning.needed(served.point):
                bits_changed = -1 if everything else changed
                found.setdefault(served.uri, {}).update(self._assignments(served, words, bits_changed))
        return found

    def _assignments(self, served: ServedPoint, words: Sequence[int], changed: int) -> dict[str, Any]:
        point = served.point
        # Bits are set in the form in which their owner tells them.
        if point.kind is Kind.INDIVIDUAL_BITS and (served.uri, point.id) not in self._by_number:
            found = meaning.meant_bits(point, words)
            return {name: value for name, (mask, value) in found.items() if changed & mask}
        return {point.id: meaning.meant(point, words)}

    def _add(self, place: Place) -> None:
        uri = place.served.uri
        self._all.append(place)
        self._heard.setdefault(uri, {})
        places = self._places.setdefault(uri, {})
        point = place.served.point
        for name in meaning.names(point):
            places.setdefault(name, []).append(place)
        others = self._other_form.setdefault(uri, {})
        if point.kind is Kind.INDIVIDUAL_BITS:
            bits = tuple(key for key in point.keys if key != point.id)
            others.update({point.id: bits} | dict.fromkeys(bits, (point.id,)))

    def _note_form(self, owner: str, name: str, value: Any) -> None:
        others = self._other_form[owner].get(name, ())
        # What was told in the other form is not the latest any more.
        self.doubt(owner, others)
        for place in self._places[owner][name]:
            point = place.served.point
            if point.kind is Kind.INDIVIDUAL_BITS:
                is_bit = meaning.is_bit(point, name, value)
                (self._by_number.discard if is_bit else self._by_number.add)((owner, point.id))

    def _store(self, place: Place, name: str, value: Any) -> None:
        registers, slot, served = place
        if value is not None:
            try:
                registers.store(slot, meaning.bits_of(served, name, value))
                self._unusable.discard((served.uri, name))
                return
            except (ValueError, RecursionError) as error:
                self._note_unusable(served.uri, name, error)
        registers.forget(slot, meaning.mask_of(served.point, name))

    def _note_unusable(self, uri: str, name: str, error: Exception) -> None:
        if (uri, name) not in self._unusable:
            self._unusable.add((uri, name))
            log.warning("%s/%s: %s; its register answers exception 4", uri, name, error)


def _is_same(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except RecursionError:
        # Somebody published a thousand arrays inside each other.
        return False


def _is_known(place: Place) -> bool:
    return place.slot.knows(place.served)
