"""The command ``fims_listen``: print the messages of a part of the bus, in the original's format (fims.md A5, B5)."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.message import METHODS, Message
from ess_bus.process import bus_option, start_log, until_stopped, verbose_option


@click.command(
    epilog="""\b
Examples:
  fims_listen                                  everything
  fims_listen -u /components -m pub            only pubs below /components
  fims_listen -u /status -u /controls -n 10    two parts of the tree, ten messages

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C, or -n messages were printed
  1  no broker
  2  wrong usage"""
)
@click.option("-u", "-s", "uris", multiple=True, metavar="URI", help="Listen to this URI and below; may be repeated.")
@click.option("-m", "method", default="", metavar="METHOD", help="Print only methods that start so (s is set).")
@click.option("-n", "count", type=click.IntRange(min=1), metavar="COUNT", help="Stop after so many messages.")
@bus_option
@verbose_option
def command(uris: tuple[str, ...], method: str, count: int | None, bus: str | None, verbose: bool) -> None:
    """Print every message that is sent to a URI or below it, flushed one by one.

    A listener only looks on: a request that reaches nobody else is still reported to its sender.
    """
    start_log(verbose)
    if not any(known.startswith(method) for known in METHODS):
        raise click.BadParameter(f"no method starts with {method!r}; they are {', '.join(sorted(METHODS))}")
    with until_stopped(), Bus(bus, name="fims_listen") as connection:
        messages = connection.subscribe(*(uris or ("/",)), **_mode(method))
        printed = 0
        for message in messages:
            if message.method.startswith(method):
                sys.stdout.buffer.write(block(message, datetime.now().astimezone()))
                sys.stdout.flush()
                printed += 1
            if printed == count:
                return


def block(message: Message, received: datetime) -> bytes:
    """Return a message as the original prints it: a blank line, then seven labels of 14 columns."""
    fields = (
        ("Method:", message.method.encode()),
        ("Uri:", message.uri.encode()),
        ("ReplyTo:", _text(message.replyto)),
        # These two end in a space in the original, and scripts match it.
        ("Process Name:", message.process_name.encode() + b" "),
        ("Username:", _text(message.username)),
        ("Body:", (b"(null)" if message.body is None else message.body) + b" "),
        ("Timestamp:", received.strftime("%Y-%m-%d %H:%M:%S.%f").encode()),
    )
    return b"\n" + b"".join(f"{label:<14}".encode() + value + b"\n" for label, value in fields)


def _text(value: str | None) -> bytes:
    return b"(null)" if value is None else value.encode()


def _mode(method: str) -> dict[str, bool]:
    # As the original: a filter that can only mean `pub` is left to the broker.
    return {"pub_only": True} if method and "pub".startswith(method) and method != "p" else {"passive": True}


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_listen")


if __name__ == "__main__":
    main()
