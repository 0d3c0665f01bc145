"""What single cells of a point list mean; every function raises ``ValueError`` with what was expected."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from modbus_bridge.config.fields import register_type
from modbus_bridge.config.model import Kind, RegisterType
from modbus_bridge.convert.workbook import Cell

_YES: Final = frozenset(["yes", "y", "true", "1", "x", "on", "signed"])
_NO: Final = frozenset(["no", "n", "false", "0", "-", "off", "unsigned"])
_WHOLE: Final = re.compile(r"[+-]?\d+")
_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]+)h?", re.IGNORECASE)
_RANGE: Final = re.compile(r"(\d+)\s*(?:-|\.\.|…|to|~)\s*(\d+)")
_QUOTIENT: Final = re.compile(r"([+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*(?:/\s*(\d+(?:\.\d*)?))?", re.IGNORECASE)
_FUNCTION: Final = re.compile(r"(?:fc|function)?\s*(?:0x)?0*(\d+)", re.IGNORECASE)
_STRING: Final = re.compile(r"(bit\s*)?(0x[0-9a-f]+|\d+)\s*[=:]\s*(.+)", re.IGNORECASE | re.DOTALL)

_HOLDING, _INPUT = RegisterType.HOLDING, RegisterType.INPUT
_COIL, _DISCRETE = RegisterType.COIL, RegisterType.DISCRETE
# Modbus Application Protocol 1.1b3, 6: the functions that read or write each table.
_FUNCTIONS: Final = {1: _COIL, 2: _DISCRETE, 3: _HOLDING, 4: _INPUT, 5: _COIL, 6: _HOLDING, 15: _COIL, 16: _HOLDING}
_ABBREVIATIONS: Final = {
    "hr": _HOLDING,
    "ir": _INPUT,
    "co": _COIL,
    "di": _DISCRETE,
    "4x": _HOLDING,
    "3x": _INPUT,
    "1x": _DISCRETE,
    "0x": _COIL,
    "discrete": _DISCRETE,
}


@dataclass(frozen=True, slots=True)
class DataType:
    """What a data type says; ``None`` where it says nothing."""

    size: int | None = None
    signed: bool = False
    is_float: bool = False
    kind: Kind = Kind.NUMBER


def _data_types() -> dict[str, DataType]:
    found: dict[str, DataType] = {}
    for size, widths in ((1, "16"), (2, "32"), (4, "64")):
        found |= {f"{name}{widths}": DataType(size, signed=True) for name in ("int", "s", "sint", "i", "signed")}
        found |= {f"{name}{widths}": DataType(size) for name in ("uint", "u", "unsigned", "unsignedint")}
        found |= {f"{name}{widths}": DataType(size, kind=Kind.ENUM) for name in ("enum",)}
        found |= {f"{name}{widths}": DataType(size, kind=Kind.BIT_FIELD) for name in ("bitfield", "bitmap", "bitmask")}
    found |= {name: DataType(2, is_float=True) for name in ("float", "float32", "real", "real32", "f32", "single")}
    found |= {name: DataType(4, is_float=True) for name in ("float64", "double", "real64", "f64")}
    found |= {name: DataType(kind=Kind.BOOL) for name in ("bool", "boolean", "bit")}
    found |= {name: DataType(kind=Kind.ENUM) for name in ("enum", "enumeration", "randomenum")}
    found |= {name: DataType(kind=Kind.BIT_FIELD) for name in ("bitfield", "bitmap", "bitmask", "bits")}
    found |= {name: DataType(kind=Kind.TEXT) for name in ("string", "text", "ascii", "char")}
    return found | {
        "individualbits": DataType(kind=Kind.INDIVIDUAL_BITS),
        "short": DataType(1, signed=True),
        "word": DataType(1),
        "dword": DataType(2),
        "dint": DataType(2, signed=True),
        "udint": DataType(2),
        "qword": DataType(4),
    }


_DATA_TYPES: Final = _data_types()


def plain(text: str) -> str:
    """Return the letters and digits of a text in lower case: what spellings of one word have in common."""
    return re.sub(r"[\W_]+", "", text.lower())


def text(cell: Cell) -> str:
    """Return a text; a number is taken as it is written."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    raise ValueError(f"expected a text, got {shown(cell)}")


def whole(cell: Cell) -> int:
    """Return a whole number; ``0x`` begins a hexadecimal one."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and _WHOLE.fullmatch(cell):
        return int(cell)
    if isinstance(cell, str) and cell[:2].lower() == "0x":
        return hexadecimal(cell)
    raise ValueError(f"expected a whole number, got {shown(cell)}")


def hexadecimal(cell: Cell) -> int:
    """Return the number that is written in hexadecimal digits: ``3E8``, ``0x3E8`` or ``3E8h``."""
    digits = _HEX.fullmatch(text(cell))
    if digits is None:
        raise ValueError(f"expected a hexadecimal number, got {shown(cell)}")
    return int(digits[1], 16)


def addresses(cell: Cell) -> tuple[int, int | None]:
    """Return an address and how many there are up to the last one of a range such as ``1000-1001``."""
    found = _RANGE.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        return whole(cell), None
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise ValueError(f"expected an address or a range of them, got {shown(cell)}")
    return first, last - first + 1


def number(cell: Cell) -> int | float:
    """Return a finite number; ``1/10`` is a tenth."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return cell
    parts = _QUOTIENT.fullmatch(cell) if isinstance(cell, str) else None
    try:
        found = float(parts[1]) / float(parts[2] or 1) if parts else math.nan
    except ZeroDivisionError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"expected a number, got {shown(cell)}")
    return int(found) if found.is_integer() else found


def truth(cell: Cell) -> bool:
    """Return whether a cell says yes."""
    word = str(cell).strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(f"expected yes or no, got {shown(cell)}")


def table(cell: Cell) -> RegisterType:
    """Return the table of a register: its name, its abbreviation (HR), its first digit (4x) or a function code."""
    word = text(cell)
    function = _FUNCTION.fullmatch(word)
    found = register_type(word) or _ABBREVIATIONS.get(plain(word))
    if found is None and function is not None:
        found = _FUNCTIONS.get(int(function[1]))
    if found is None:
        raise ValueError(f"expected Holding, Input, Coil, Discrete Input or a function code, got {shown(cell)}")
    return found


def data_type(cell: Cell) -> DataType:
    """Return what a data type says."""
    found = _DATA_TYPES.get(plain(text(cell)))
    if found is None:
        raise ValueError(
            "expected int16, uint16, int32, uint32, int64, uint64, float32, float64, bool, enum, bitfield, "
            f"individual bits or string, got {shown(cell)}"
        )
    return found


def strings(cell: Cell) -> tuple[dict[int, str], bool]:
    """Return number -> text of ``0=Stop; 1=Run`` or of ``Stop; Run``, and whether the numbers are called bits."""
    parts = _parts(text(cell))
    found = [_STRING.fullmatch(part) for part in parts]
    if not any(found):
        return dict(enumerate(parts)), False
    numbered: dict[int, str] = {}
    for part, match in zip(parts, found, strict=True):
        if match is None:
            raise ValueError(f"expected number=text, got {shown(part)}")
        value = int(match[2], 0) if match[2].lower().startswith("0x") else int(match[2])
        if value in numbered:
            raise ValueError(f"{value} has two texts")
        numbered[value] = match[3].strip()
    return numbered, any(match[1] for match in found if match)


def _parts(written: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"[;\n|]", written) if part.strip()]
    if len(parts) == 1:
        # A comma separates only where a number follows it: texts have commas of their own.
        parts = [part.strip() for part in re.split(r",(?=\s*(?:bit\s*)?\d+\s*[=:])", written, flags=re.IGNORECASE)]
    return parts


def word_order(cell: Cell) -> bool:
    """Return whether the least significant register comes first; bytes inside of a register are never swapped."""
    word = plain(text(cell))
    if word in ("big", "bigendian", "abcd", "msw", "mswfirst", "highfirst", "msb", "normal", "be"):
        return False
    if word in ("little", "littleendian", "cdab", "lsw", "lswfirst", "lowfirst", "swapped", "wordswap", "le"):
        return True
    if word in ("dcba", "badc"):
        raise ValueError(f"{shown(cell)} swaps the bytes inside of registers, which Modbus sends high byte first")
    raise ValueError(f"expected ABCD (big) or CDAB (little: the low register first), got {shown(cell)}")


def access(cell: Cell) -> tuple[bool, bool]:
    """Return whether a point may be read and written: R, RO, RW, WO."""
    word = plain(text(cell))
    if word in ("r", "ro", "read", "readonly"):
        return True, False
    if word in ("rw", "wr", "readwrite", "writeread"):
        return True, True
    if word in ("w", "wo", "write", "writeonly"):
        return False, True
    raise ValueError(f"expected R, RW or W, got {shown(cell)}")


def shown(cell: Any) -> str:
    """Return a cell for a message."""
    written = repr(cell) if isinstance(cell, str) else str(cell)
    return written if len(written) <= 40 else written[:37] + "..."
