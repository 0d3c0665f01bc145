"""JSON documents as people read them: a register entry is one line, whatever holds more is indented."""

from __future__ import annotations

import json
from typing import Any, Final

_INDENT: Final = "  "


def pretty(document: Any) -> str:
    """Return `document` as JSON text that ends with a line feed; equal documents give equal texts."""
    return _text(document, "") + "\n"


def _text(value: Any, indent: str) -> str:
    if _is_short(value):
        return json.dumps(value, ensure_ascii=False)
    inner = indent + _INDENT
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_text(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{_text(item, inner)}" for item in value) + f"\n{indent}]"


def _is_short(value: Any) -> bool:
    """Tell whether `value` fits one line: a register entry does, however many strings its bits have."""
    if isinstance(value, dict):
        return not value or "offset" in value
    return not isinstance(value, list) or not any(isinstance(item, dict | list) for item in value)
