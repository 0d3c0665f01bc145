"""Who answers a master: read device identification (function 43/14) and the echo (function 8, sub-function 0); pure."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Final

from modbus_bridge import protocol
from modbus_bridge.serving.faults import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Fault

_READ_DEVICE_IDENTIFICATION: Final = 14
# What may be asked for (6.21): all basic objects, all regular ones, or a single one.
_BASIC: Final = 1
_REGULAR: Final = 2
_EXTENDED: Final = 3
_SINGLE: Final = 4
# Regular objects are known, as a whole and one by one.
_CONFORMITY: Final = 0x82
_RETURN_QUERY_DATA: Final = b"\0\0"


def echoed(pdu: bytes) -> bytes:
    """Return a diagnostic request as it came, if an echo is what it asks for.

    Raises:
        Fault: illegal function for any other diagnosis, illegal value.
    """
    if len(pdu) < 3:
        raise Fault(ILLEGAL_VALUE, "a diagnosis without its sub-function")
    if pdu[1:3] != _RETURN_QUERY_DATA:
        raise Fault(ILLEGAL_FUNCTION, f"diagnosis {pdu[1:3].hex()} is not supported")
    return pdu


def answer(pdu: bytes, product: str) -> bytes:
    """Return what a master may know of this device; `product` is its name.

    Raises:
        Fault: illegal function, address or value.
    """
    if len(pdu) < 2 or pdu[1] != _READ_DEVICE_IDENTIFICATION:
        raise Fault(ILLEGAL_FUNCTION, "of function 43, only 14 is supported")
    if len(pdu) != 4:
        raise Fault(ILLEGAL_VALUE, f"function 43/14 with {len(pdu) - 2} bytes")
    category, first = pdu[2], pdu[3]
    objects = _objects(product)
    if category == _SINGLE:
        if first not in objects:
            raise Fault(ILLEGAL_ADDRESS, f"there is no object {first}")
        chosen = [first]
    elif category in (_BASIC, _REGULAR, _EXTENDED):
        last = 2 if category == _BASIC else max(objects)
        # One that is not there is taken as the first one (6.21).
        begin = first if first in objects and first <= last else 0
        chosen = [number for number in objects if begin <= number <= last]
    else:
        raise Fault(ILLEGAL_VALUE, f"there is no category {category}")
    listed = b"".join(bytes((number, len(objects[number]))) + objects[number] for number in chosen)
    head = (protocol.IDENTIFY, _READ_DEVICE_IDENTIFICATION, category, _CONFORMITY, 0, 0, len(chosen))
    return bytes(head) + listed


def _objects(product: str) -> dict[int, bytes]:
    version = re.match(r"\d+\.\d+", metadata.version("ess-bus"))
    name = product.encode("ascii", "replace")[:64]
    return {
        0: b"ess-bus",
        1: b"modbus_server",
        2: version.group().encode() if version else b"0",
        4: name,
        5: name,
    }
