"""Mutations of real frames, fed to everything that reads bytes from the network.

``python -m tests.fuzz --seconds 60`` goes on for a while, with new mutations each time; `tests/unit/test_fuzz.py` runs
a few thousand that are always the same. Only `ProtocolError` may come out of a decoder, and nothing at all out of the
broker and of a client; neither may any input cost much memory or time.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Final

from ess_bus import batch, control, message
from ess_bus.broker.limits import Limits
from ess_bus.client.core import ClientCore
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError
from ess_bus.message import Message, Repetition, Status, encode
from ess_bus.transport import zmtp
from tests.wire import Wire, ask

MESSAGES: Final = [
    encode(Message("pub", "/components/bms_1", b'{"soc": 50}', None, "bms", "user")),
    encode(Message("set", "/a", b"1", "/_reply/me/1", "asker", "user", None, "t")),
    encode(Message("get", "/bus/clients", None, "/r", "asker")),
    encode(Message("get", "/processes/victim", None, "/r", "asker", "user", None, "t" * 300)),
    encode(Message("post", "/a//b/", bytes(range(256)), None, "p")),
    encode(Message("del", "/", b"x" * 70_000)),
    encode(Message("set", "/_reply/me/1", b"1", None, "owner", None, Status.OK, "t")),
]
SUBSCRIPTIONS: Final = (("/a", "all"), ("/a/b", "pub"), ("/", "passive"))
CONTROLS: Final = [
    control.encode(Verb.HELLO, control.VERSION, "name", "user", 1, "", SUBSCRIPTIONS),
    control.encode(Verb.WELCOME, control.VERSION, "id", 1000),
    control.encode(Verb.WHO),
    control.encode(Verb.SUBSCRIBE, 1, SUBSCRIPTIONS),
    control.encode(Verb.UNSUBSCRIBE, 2, ("/a", "/a/b")),
    control.encode(Verb.REPLACE, 3, SUBSCRIPTIONS),
    control.encode(Verb.SUBSCRIBED, 1, None),
    control.encode(Verb.SUBSCRIBED, 2, "bad URI"),
    control.encode(Verb.PING, 4),
    control.encode(Verb.PONG, 4),
    control.encode(Verb.UNDELIVERED, "busy", "set", "/a", "/r", "t", "owner"),
    control.encode(Verb.UNDELIVERED, "no_one_listening", "set", "/a", None, None, None),
    control.encode(Verb.DROPPED, 5),
    control.encode(Verb.ERROR, "text"),
    control.encode(Verb.BYE),
]
BATCHES: Final = [batch.pack(MESSAGES[:3] + CONTROLS[:3]), batch.pack(CONTROLS), batch.pack(MESSAGES[:6])]
STREAMS: Final = [
    zmtp.opening("DEALER") + b"".join(map(zmtp.encode, MESSAGES + CONTROLS)),
    zmtp.opening("DEALER") + b"\x04\x07\x04PING\0\x01" + zmtp.encode(b"x"),
    zmtp.opening("DEALER") + b"\x01\x01a\x00\x01b" + zmtp.encode(MESSAGES[0]),
]
# What tends to lie just beyond what somebody expected: lengths and headers of msgpack, and the marks of frames.
TOKENS: Final = [
    *(b"\0", b"\xff", b"!", b"*", b" ", b"/", b"\n", b"\xc0", b"\xc1", b"\xc3", b"\x80", b"\x90", b"\x96", b"\xd9\xff"),
    *(b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdf\x00\x00\xff\xff", b"\xd6\xff\0\0\0\0"),
    *(b"\xcf" + b"\xff" * 8, b"\xd3\x80" + bytes(7), b"\xcb\x7f\xf8" + bytes(6), b"\x81\x90\x90", b"\x91" * 600),
    *(
        b"!hello\0",
        b"!bye\0\x90",
        b"set /a\0",
        b"reply /r\0",
        b"get /bus\0",
        b"\x02" + b"\xff" * 8,
        b"\x04\x05\x04PING",
    ),
]


def mutated(seed: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return `seed` after one to four small accidents."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        match chance.randrange(7):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case 2:
                del data[at : at + chance.randint(1, 8)]
            case 3:
                data[at:at] = chance.choice(TOKENS)
            case 4:
                token = chance.choice(TOKENS)
                data[at : at + len(token)] = token
            case 5:
                data[at:] = chance.choice(others)[chance.randint(0, 20) :]
            case 6:
                data[at:at] = data[at : at + chance.randint(1, 40)]
    return bytes(data)


def _decode_message(data: bytes) -> None:
    again = message.decode(data)
    # Whatever is understood must mean the same to everyone who reads it.
    assert message.decode(encode(again)) == again
    repetition, end = Repetition(), data.find(0)
    verb, _ = message.split_header(data[:end])
    for _ in range(2):
        assert repetition.decode(verb, again.uri, data, end)[1:] == again[1:]


def _decode_control(data: bytes) -> None:
    _, fields = control.decode(data)
    for field in fields:
        for unpack in (control.unpack_subscriptions, control.unpack_uris):
            try:
                unpack(field)
            except ProtocolError:
                continue


def _decode_batch(data: bytes) -> None:
    assert all(type(frame) is bytes for frame in batch.unpack(b"*" + data[1:]))


def _decode_stream(data: bytes) -> None:
    whole, pieces = zmtp.Decoder("ROUTER", 100_000), zmtp.Decoder("ROUTER", 100_000)
    found = whole.feed(data)
    step = len(data) // 3 + 1
    assert found == [frame for start in range(0, len(data), step) for frame in pieces.feed(data[start : start + step])]


def _feed_broker(data: bytes) -> None:
    wire = Wire(Limits(subscriptions=20, max_message=100_000))
    victim, watcher = wire.client("victim", "/a"), wire.client("watcher", "/", "/_reply")
    stranger = wire.connect(ClientCore("stranger", None, wire.now))
    watcher.core.announce({"name": "watcher"})
    for end in (victim, stranger):
        wire.carry(end, data)
        wire.carry(end, batch.pack([data, data[1:]]))
    wire.advance(1)
    assert ask(wire, wire.client("normal"), "/bus/version")


def _feed_client(data: bytes) -> None:
    core = ClientCore("victim", None, 0.0)
    core.feed(control.encode(Verb.WELCOME, control.VERSION, "id", 100_000), 0.0)
    core.announce({"name": "victim"})
    for frame in (data, b"*" + data[1:], data[1:], data):
        core.feed(frame, 0.0)
    core.feed(control.encode(Verb.WELCOME, control.VERSION, "id", 100_000), 0.0)
    assert core.joined


FRAMES: Final = MESSAGES + CONTROLS + BATCHES
TARGETS: Final[dict[str, tuple[list[bytes], Callable[[bytes], None]]]] = {
    "message": (MESSAGES, _decode_message),
    "control": (CONTROLS, _decode_control),
    "batch": (BATCHES, _decode_batch),
    "stream": (STREAMS, _decode_stream),
    "broker": (FRAMES, _feed_broker),
    "client": (FRAMES, _feed_client),
}


def attack(name: str, data: bytes) -> bool:
    """Give `data` to one target; return whether it was understood. Anything but a `ProtocolError` is a finding."""
    try:
        TARGETS[name][1](data)
    except ProtocolError:
        if name in ("broker", "client"):
            raise
        return False
    return True


def bomb(levels: int, size: int) -> bytes:
    """Return msgpack of `size` bytes whose arrays, inside each other, all claim to hold nearly as many elements."""
    return (b"\xdd" + (size - 6 * levels).to_bytes(4)) * levels + bytes(size - 5 * levels)


def main() -> None:
    """Go on for a while, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    arguments = parser.parse_args()
    logging.disable()
    chance = random.Random(arguments.seed)
    names = arguments.target or list(TARGETS)
    tried, understood = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    slowest: dict[str, tuple[float, bytes]] = dict.fromkeys(names, (0.0, b""))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    deadline = time.monotonic() + arguments.seconds
    while time.monotonic() < deadline:
        name = chance.choice(names)
        seeds = TARGETS[name][0]
        data = mutated(chance.choice(seeds), seeds, chance)
        begun = time.perf_counter()
        try:
            understood[name] += attack(name, data)
        except BaseException:
            sys.stderr.write(f"seed {arguments.seed}, target {name}: {data[:2000]!r}\n")
            raise
        tried[name] += 1
        slowest[name] = max(slowest[name], (time.perf_counter() - begun, data))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    for name in names:
        seconds, data = slowest[name]
        told = f"{tried[name]} inputs, {understood[name]} understood; slowest {seconds * 1000:.1f} ms ({data[:20]!r})"
        sys.stdout.write(f"{name}: {told}\n")
    sys.stdout.write(f"memory grew by {grown} MiB; seed {arguments.seed}\n")


if __name__ == "__main__":
    main()
