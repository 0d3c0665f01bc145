"""Options that getopt reads, described once: for getopt itself, for the help page and for completion.

``fims_send`` and ``fims_trigger`` read their command lines with getopt, as the originals do: ``-mset`` is ``-m set``,
and in ``fims_trigger`` the order of the options is their meaning. To import click would also cost ``fims_send`` a fifth
of its start.
"""

from __future__ import annotations

# Flags; the name of the value, empty for a switch, which also says how it is completed; what the option does.
Option = tuple[tuple[str, ...], str, str]

_COLUMN = 15


def short(options: tuple[Option, ...]) -> str:
    """Return the one-letter options as getopt takes them (``m:r:h``)."""
    return "".join(flag[1] + ":" * bool(value) for flags, value, _ in options for flag in flags if flag[1] != "-")


def long(options: tuple[Option, ...]) -> list[str]:
    """Return the long options as getopt takes them (``["bus=", "help"]``)."""
    return [flag[2:] + "=" * bool(value) for flags, value, _ in options for flag in flags if flag[1] == "-"]


def listing(options: tuple[Option, ...]) -> str:
    """Return the lines of a help page about `options`."""
    lines = []
    for flags, value, text in options:
        head = f"  {', '.join(flags)} {value}".rstrip()
        if len(head) < _COLUMN:
            first, *more = text.split("\n")
            lines.append(f"{head:<{_COLUMN}}{first}")
        else:
            lines.append(head)
            more = text.split("\n")
        lines += [" " * _COLUMN + line for line in more]
    return "\n".join(lines)


def seconds(text: str) -> float:
    """Return the seconds that `text` says.

    Raises:
        ValueError: it is not a number above 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{text!r}: expected seconds above 0, such as 0.5")
    return value
