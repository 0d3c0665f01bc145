"""The frames that docs/wire.md shows byte by byte, and how this project's code makes them."""

from __future__ import annotations

from typing import Any, Final

from ess_bus import batch, control
from ess_bus.control import Verb
from ess_bus.message import Message, Status, encode

PUB: Final = Message("pub", "/components/bms_1/soc", b"50", None, "bms", "root")
GET: Final = Message("get", "/ess/status", None, "/_reply/a1b2/1", "asker")
REPLY: Final = Message("set", "/_reply/a1b2/1", b'{"error":"no"}', None, "ess", None, Status.REFUSED)
SET: Final = Message("set", "/a//b/", b"\x00\xff", "/me", "p", None, None, "t")
PING: Final = control.encode(Verb.PING, 7)

# What each means -> (its frame, what it decodes to).
EXAMPLES: Final[dict[str, tuple[bytes, Any]]] = {
    'pub, process "bms", user "root", body 50': (encode(PUB), PUB),
    "get without a body, from asker, who waits at /_reply/a1b2/1": (encode(GET), GET),
    "the answer to it, refused": (encode(REPLY), REPLY),
    "set with a token and a body of two bytes that are no text; the slashes stay": (encode(SET), SET),
    'hello of the program "bms", pid 42, with two subscriptions': (
        control.encode(Verb.HELLO, 2, "bms", "root", 42, "", (("/a", "all"), ("/b", "pub"))),
        (Verb.HELLO, (2, "bms", "root", 42, "", (("/a", "all"), ("/b", "pub")))),
    ),
    "welcome by the broker 5e1f, up to 16 MiB": (
        control.encode(Verb.WELCOME, 2, "5e1f", 16 << 20),
        (Verb.WELCOME, (2, "5e1f", 16 << 20)),
    ),
    "who": (control.encode(Verb.WHO), (Verb.WHO, ())),
    "subscribe to /a, passive": (
        control.encode(Verb.SUBSCRIBE, 1, (("/a", "passive"),)),
        (Verb.SUBSCRIBE, (1, (("/a", "passive"),))),
    ),
    "unsubscribe from /a": (control.encode(Verb.UNSUBSCRIBE, 2, ("/a",)), (Verb.UNSUBSCRIBE, (2, ("/a",)))),
    "replace by nothing": (control.encode(Verb.REPLACE, 3, ()), (Verb.REPLACE, (3, ()))),
    "subscribed": (control.encode(Verb.SUBSCRIBED, 1, None), (Verb.SUBSCRIBED, (1, None))),
    "not subscribed": (control.encode(Verb.SUBSCRIBED, 300, "no"), (Verb.SUBSCRIBED, (300, "no"))),
    "ping 7": (PING, (Verb.PING, (7,))),
    "pong 7": (control.encode(Verb.PONG, 7), (Verb.PONG, (7,))),
    "undelivered": (
        control.encode(Verb.UNDELIVERED, "busy", "set", "/a", "/me", None, "ess"),
        (Verb.UNDELIVERED, ("busy", "set", "/a", "/me", None, "ess")),
    ),
    "dropped": (control.encode(Verb.DROPPED, 1000), (Verb.DROPPED, (1000,))),
    "error": (control.encode(Verb.ERROR, "why"), (Verb.ERROR, ("why",))),
    "bye": (control.encode(Verb.BYE), (Verb.BYE, ())),
    "a batch of ping 7 and bye": (
        batch.pack([PING, control.encode(Verb.BYE)]),
        [PING, control.encode(Verb.BYE)],
    ),
}


def shown(frame: bytes) -> str:
    """Return a frame as the page shows it: sixteen bytes a line, and what of them can be read."""
    lines = []
    for start in range(0, len(frame), 16):
        part = frame[start : start + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{part.hex(' '):<47}  {text}")
    return "\n".join(lines)


def page() -> str:
    """Return the section of the page."""
    return "\n\n".join(f"{what}:\n\n```hex\n{shown(frame)}\n```" for what, (frame, _) in EXAMPLES.items())
