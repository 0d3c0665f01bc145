"""The command ``fims_send``: send one message, print the answer.

Scripts start it thousands of times a day, so it imports as little as it can and reads its options with getopt, which is
also what the original does (fims.md B4): ``-mset`` is ``-m set``, and the body may stand anywhere.
"""

from __future__ import annotations

import errno
import getopt
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ess_bus.errors import Busy, EssError, NoOneListening, Refused, RequestTimeout
from ess_bus.interrupts import take_over
from ess_bus.message import METHODS, Message
from ess_bus.output import forget_output
from ess_bus.uri import check as check_uri

if TYPE_CHECKING:
    from ess_bus.client import Subscription

USAGE = """\
Usage: fims_send -m METHOD -u URI [-r REPLYTO] [-n USERNAME] [-f FILE] [--] [BODY]

  Send one message on the bus. The body may stand anywhere; put -- before one that starts with a minus.

  -m METHOD    get, set, pub, post or del
  -u URI       where to send it
  -r REPLYTO   wait there for an answer, 5 seconds at most, and print its body; any URI will do.
               A get without -r prints its answer too.
  -n USERNAME  send it in this user's name
  -f FILE      take the body from a file (- is the standard input)
  --bus BUS    a bus name, ipc://PATH or tcp://HOST:PORT   [env: ESS_BUS; default: bus]
  -v           log what happens on the bus
  -h, --help   show this

Examples:
  fims_send -m get -u /ess/full/status/bms/BMSPower | jq
  fims_send -m set -u /components/bms_1/ems_cmd -r /$$ 2
  fims_send -m pub -u /components/bms_1 '{"soc": 50.5}'
  fims_send -m set -u /controls/pcs/setpoint -- -250

Exit status:
  0  sent, and answered if an answer was asked for
  1  nothing was sent: wrong usage, no such file, no broker
  2  no answer came in time; whether it was handled is unknown
  3  refused: nobody is listening on the URI, or the answer is an error
  4  it was sent, but the answer could not be printed
Without -r, a set is known to have reached somebody; whether it was accepted is known with -r only.
"""
FAILED, TIMEOUT, REFUSED, UNPRINTED = 1, 2, 3, 4
ANSWER_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0


class Usage(Exception):
    """The command line is wrong; the text says how."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Console entry point."""
    try:
        take_over()
        sys.exit(_run(sys.argv[1:] if arguments is None else arguments))
    except Usage as error:
        _fail(f"{error}; see fims_send --help", FAILED)
    except RequestTimeout:
        # The original's words: scripts look for them.
        sys.stderr.write("Receive Timeout.\n")
        sys.exit(TIMEOUT)
    except (NoOneListening, Busy, Refused) as error:
        _fail(str(error), REFUSED)
    except EssError as error:
        _fail(str(error), FAILED)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        forget_output()
        sys.exit(UNPRINTED)
    except OSError as error:
        forget_output()
        _fail(f"cannot write the answer: {error.strerror}", UNPRINTED)


def _run(arguments: list[str]) -> int:
    try:
        options, bodies = getopt.gnu_getopt(arguments, "m:r:u:n:f:vh", ["bus=", "help"])
    except getopt.GetoptError as error:
        hint = "; put -- before a body that starts with a minus" if error.opt.isdigit() else ""
        raise Usage(f"{error}{hint}") from None
    given = dict(options)
    if "-h" in given or "--help" in given:
        _write(USAGE.encode())
        return 0
    if "-v" in given:
        import logging

        logging.basicConfig(level=logging.DEBUG)
    method, uri = given.get("-m"), given.get("-u")
    if not method or not uri:
        raise Usage("-m and -u are required")
    if method not in METHODS:
        raise Usage(f"unknown method {method!r}, expected one of {', '.join(sorted(METHODS))}")
    for target in (uri, given.get("-r")):
        if target is not None:
            check_uri(target)
    body = _read_body(given.get("-f"), bodies)
    return _exchange(given.get("--bus"), given.get("-n"), method, uri, body, given.get("-r"))


def _read_body(file: str | None, bodies: list[str]) -> bytes | None:
    ignored = bodies if file is not None else bodies[1:]
    if ignored:
        # As the original; but most often quotes were forgotten around a body with spaces in it.
        sys.stderr.write(f"fims_send: ignored {' '.join(map(repr, ignored))}; a message has one body\n")
    if file is None:
        # surrogateescape gives back the very bytes that were typed, whatever their encoding.
        return bodies[0].encode(errors="surrogateescape") if bodies else None
    try:
        if file == "-":
            return sys.stdin.buffer.read()
        return Path(file).read_bytes()
    except OSError as error:
        raise Usage(f"cannot read {file}: {error.strerror}") from None


def _exchange(bus_name: str | None, user: str | None, method: str, uri: str, body: bytes | None, to: str | None) -> int:
    from ess_bus.client import Bus, Timeouts

    timeouts = Timeouts(connect=CONNECT_TIMEOUT_S, request=ANSWER_TIMEOUT_S)
    with Bus(bus_name, name="fims_send", username=user, timeouts=timeouts) as bus:
        if to is None and method == "get":
            _print(bus.request(method, uri, body))
        elif to is None:
            bus.send(method, uri, body)
            # Not for the answer, but to know that somebody was there to receive it.
            bus.flush()
        else:
            answers = bus.subscribe(to)
            token = os.urandom(8).hex()
            bus.send(method, uri, body, to, token)
            _print(_answer(answers, uri, token))
    return 0


def _answer(answers: Subscription, uri: str, token: str) -> Message:
    """Return the first message on the replyto; others may share it, so what answers another request is passed over."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while (answer := answers.receive(max(0.0, deadline - time.monotonic()))) is not None:
        if answer.token in (None, token):
            return answer
    raise RequestTimeout(uri, ANSWER_TIMEOUT_S)


def _print(answer: Message) -> None:
    from ess_bus.client.replies import error_text

    if answer.is_reply and answer.status != "ok":
        _fail(error_text(answer), REFUSED)
    _write((b"(null)" if answer.body is None else answer.body) + b"\n")


def _write(text: bytes) -> None:
    if sys.stdout is None:  # closed by who started us
        raise OSError(errno.EBADF, "the standard output is closed")
    sys.stdout.buffer.write(text)
    sys.stdout.flush()


def _fail(text: str, status: int) -> NoReturn:
    sys.stderr.write(f"fims_send: {' '.join(text.split())}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
