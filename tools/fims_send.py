"""The command ``fims_send``: send one message, print the answer.

Scripts start it thousands of times a day, so it imports as little as it can and reads its options with getopt, which is
also what the original does (fims.md B4): ``-mset`` is ``-m set``, and the body may stand anywhere.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from ess_bus.errors import Busy, EssError, NoOneListening, Refused, RequestTimeout
from ess_bus.interrupts import take_over
from ess_bus.message import METHODS, Message
from ess_bus.output import forget_output
from ess_bus.uri import check as check_uri
from tools.fims import compat
from tools.fims.exchange import answer_on, complain, connect, print_body, write
from tools.fims.order import OPTIONS, Order, Usage, file_body, page, parse, read, typed_body

if TYPE_CHECKING:
    from tools.fims.jq_filter import Filter

FAILED, TIMEOUT, REFUSED, UNPRINTED = 1, 2, 3, 4
COMPLETE = "_FIMS_SEND_COMPLETE"


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
    asked = os.environ.get(COMPLETE)
    if asked:
        from tools.fims.completion import complete

        return complete("fims_send", OPTIONS, asked)
    if compat.wanted():
        from tools.fims.original_send import run

        return run(arguments)
    given, bodies = parse(arguments)
    text = page(given)
    if text is not None:
        write(text)
        return 0
    order = read(given, bodies)
    if not order.method or not order.uri:
        raise Usage("-m and -u are required")
    if order.method not in METHODS:
        raise Usage(f"unknown method {order.method!r}, expected one of {', '.join(sorted(METHODS))}")
    for target in (order.uri, order.replyto):
        if target is not None:
            check_uri(target)
    if order.filter is not None and order.replyto is None and order.method != "get":
        raise Usage("--jq needs an answer: -m get, or -r")
    return _exchange(order, order.method, order.uri, _body(order))


def _body(order: Order) -> bytes | None:
    if order.file is None:
        return typed_body(order)
    try:
        return file_body(order, order.file)
    except OSError as error:
        raise Usage(f"cannot read {order.file}: {error.strerror}") from None


def _exchange(order: Order, method: str, uri: str, body: bytes | None) -> int:
    with connect(order) as bus:
        if order.replyto is None and method == "get":
            answer = bus.request(method, uri, body)
        elif order.replyto is None:
            bus.send(method, uri, body)
            # Not for the answer, but to know that somebody was there to receive it.
            bus.flush()
            return 0
        else:
            answers = bus.subscribe(order.replyto)
            token = os.urandom(8).hex()
            bus.send(method, uri, body, order.replyto, token)
            # Others may share the replyto: what answers somebody else's request is passed over.
            found = answer_on(answers, order.timeout_s, lambda message: message.token in (None, token))
            if found is None:
                raise RequestTimeout(uri, order.timeout_s)
            answer = found
    return _print(answer, order.filter)


def _print(answer: Message, chosen: Filter | None) -> int:
    if answer.is_reply and answer.status != "ok":
        from ess_bus.client.replies import error_text

        _fail(error_text(answer), REFUSED)
    try:
        print_body(answer.body, chosen)
    except ValueError as error:
        _fail(f"the answer is not what --jq expects: {error}", UNPRINTED)
    return 0


def _fail(text: str, status: int) -> NoReturn:
    """Say in one line what is wrong, and exit."""
    complain(text)
    sys.exit(status)


if __name__ == "__main__":
    main()
