"""What was typed behind ``fims_send``: the options, the help page, and the order that they make."""

from __future__ import annotations

import getopt
import sys
from typing import TYPE_CHECKING

from tools.fims import options as describing

if TYPE_CHECKING:
    from tools.fims.jq_filter import Filter

OPTIONS: tuple[describing.Option, ...] = (
    (("-m",), "METHOD", "get, set, pub, post or del"),
    (("-u",), "URI", "where to send it"),
    (
        ("-r",),
        "REPLYTO",
        "wait there for an answer and print its body; any URI will do.\nA get without -r prints its answer too.",
    ),
    (("-n",), "USERNAME", "send it in this user's name"),
    (("-f",), "FILE", "take the body from a file (- is the standard input)"),
    (("--timeout",), "SECONDS", "how long to wait for the answer   [default: 5]"),
    (("--jq",), "FILTER", "print what this jq filter makes of the answer, one result a line"),
    (("--raw",), "", "with --jq: strings without their quotes"),
    (("--bus",), "BUS", "a bus name, ipc://PATH or tcp://HOST:PORT   [env: ESS_BUS; default: bus]"),
    (("-v",), "", "log what happens on the bus"),
    (
        ("--completion",),
        "SHELL",
        "print what makes bash, zsh or fish complete this and all other commands:\n"
        'eval "$(fims_send --completion bash)"   in ~/.bashrc',
    ),
    (("-h", "--help"), "", "show this"),
    (("-V", "--version"), "", "print the version"),
)
USAGE = """\
Usage: fims_send -m METHOD -u URI [-r REPLYTO] [-n USERNAME] [-f FILE] [--] [BODY]

  Send one message on the bus. The body may stand anywhere; put -- before one that starts with a minus.

{options}

Examples:
  fims_send -m get -u /ess/full/status/bms/BMSPower | jq
  fims_send -m get -u /ess/full/status/bms/BMSPower --jq .BMSPower.value
  fims_send -m set -u /components/bms_1/ems_cmd -r /$$ 2
  fims_send -m set -u /components/bms_1/ems_cmd -r /$$ --timeout 30 2
  fims_send -m pub -u /components/bms_1 '{{"soc": 50.5}}'
  fims_send -m set -u /controls/pcs/setpoint -- -250

Exit status:
  0  sent, and answered if an answer was asked for
  1  nothing was sent: wrong usage, no such file, bad filter, no broker
  2  no answer came in time; whether it was handled is unknown
  3  refused: nobody is listening on the URI, or the answer is an error
  4  it was sent, but the answer could not be printed, or is not what --jq expects
Without -r, a set is known to have reached somebody; whether it was accepted is known with -r only.

With FIMS_COMPAT=1 it ends as the original does: 1 for wrong usage or no broker, else 0 whatever happened; an answer
that is an error is printed like any other, and a get without -r prints nothing.
"""
ANSWER_TIMEOUT_S = 5.0


class Usage(Exception):
    """The command line is wrong; the text says how."""


class Order:
    """What is to be done, as it was typed."""

    def __init__(self, given: dict[str, str], bodies: list[str]) -> None:
        self.method = given.get("-m")
        self.uri = given.get("-u")
        self.replyto = given.get("-r")
        self.user = given.get("-n")
        self.file = given.get("-f")
        self.bus = given.get("--bus")
        self.bodies = bodies
        self.timeout_s = ANSWER_TIMEOUT_S
        self.filter: Filter | None = None


def parse(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options, the last of each kind, and what is none of them.

    Raises:
        Usage: an option is unknown, or its value is missing.
    """
    try:
        options, bodies = getopt.gnu_getopt(arguments, describing.short(OPTIONS), describing.long(OPTIONS))
    except getopt.GetoptError as error:
        hint = "; put -- before a body that starts with a minus" if error.opt.isdigit() else ""
        raise Usage(f"{error}{hint}") from None
    return dict(options), bodies


def read(given: dict[str, str], bodies: list[str]) -> Order:
    """Return what the options say.

    Raises:
        Usage: a value is not what its option expects.
    """
    order = Order(given, bodies)
    if "-v" in given:
        import logging

        logging.basicConfig(level=logging.DEBUG)
    try:
        if "--timeout" in given:
            order.timeout_s = describing.seconds(given["--timeout"])
        if "--jq" in given:
            from tools.fims.jq_filter import Filter

            order.filter = Filter(given["--jq"], raw="--raw" in given)
        elif "--raw" in given:
            raise Usage("--raw goes with --jq")
    except ValueError as error:
        raise Usage(str(error)) from None
    return order


def name_ignored(ignored: list[str]) -> None:
    """Say which words of the command line are no part of the message: the original leaves them out without a word."""
    if ignored:
        # Most often quotes were forgotten around a body with spaces in it.
        sys.stderr.write(f"fims_send: ignored {' '.join(map(repr, ignored))}; a message has one body\n")


def typed_body(order: Order) -> bytes | None:
    """Return the body on the command line: the very bytes that were typed, whatever their encoding."""
    name_ignored(order.bodies[1:])
    return order.bodies[0].encode(errors="surrogateescape") if order.bodies else None


def file_body(order: Order, file: str) -> bytes:
    """Return the body in a file; it takes the place of one on the command line.

    Raises:
        OSError: it cannot be read.
    """
    if file == "-":
        body = sys.stdin.buffer.read()
    else:
        with open(file, "rb") as opened:  # noqa: PTH123 - pathlib takes longer to import than the broker to answer
            body = opened.read()
    name_ignored(order.bodies)
    return body


def page(given: dict[str, str]) -> bytes | None:
    """Return what ``--help``, ``--version`` or ``--completion`` print, or ``None`` if none was given.

    Raises:
        Usage: there is no completion for this shell.
    """
    if "-V" in given or "--version" in given:
        from ess_bus.version import line

        return f"{line('fims_send')}\n".encode()
    if "-h" in given or "--help" in given:
        return usage()
    if "--completion" not in given:
        return None
    from tools.fims.completion import script

    try:
        return script(given["--completion"]).encode()
    except ValueError as error:
        raise Usage(str(error)) from None


def usage() -> bytes:
    """Return the help page."""
    return USAGE.format(options=describing.listing(OPTIONS)).encode()
