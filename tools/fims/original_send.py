"""``fims_send`` with ``FIMS_COMPAT=1``: the original's steps, words and exit statuses (fims.md B4).

It ends with 1 where nothing can be tried (wrong usage, no broker, a replyto that cannot be subscribed to), and with 0
after everything else: a message that was not sent, a file that is not there, no answer, an answer that is an error.
What is wrong is said on stderr all the same.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ess_bus.errors import BusError, Busy, EssError, NoOneListening
from ess_bus.message import METHODS, Message, Status
from tools.fims.exchange import answer_on, complain, connect, print_body, write
from tools.fims.order import Order, Usage, file_body, page, parse, read, typed_body, usage

if TYPE_CHECKING:
    from ess_bus.client import Bus, Subscription

FAILED = 1


def run(arguments: list[str]) -> int:
    """Do what the command line says; return the exit status.

    Raises:
        OSError: the answer cannot be printed.
    """
    try:
        given, bodies = parse(arguments)
        text = page(given)
        order = read(given, bodies)
    except Usage as error:
        complain(str(error))
        write(usage())
        return FAILED
    if text is not None:
        write(text)
        return 0 if "--completion" in given else FAILED
    try:
        bus = connect(order).__enter__()
    except EssError as error:
        complain(str(error))
        sys.stderr.write("Connect failed.\n")
        return FAILED
    try:
        return _on(bus, order)
    finally:
        bus.close()


def _on(bus: Bus, order: Order) -> int:
    try:
        answers = None if order.replyto is None else bus.subscribe(order.replyto)
    except EssError as error:
        complain(str(error))
        sys.stderr.write("Subscription to replyto failed.\n")
        return FAILED
    token = os.urandom(8).hex()
    _send(bus, order, _body(order), token)
    if answers is not None:
        _print_answer(answers, order, token)
    return 0


def _body(order: Order) -> bytes | None:
    if order.file is not None:
        try:
            return file_body(order, order.file)
        except OSError:
            sys.stderr.write(f"input file {order.file} not found \n")
    return typed_body(order)


def _send(bus: Bus, order: Order, body: bytes | None, token: str) -> None:
    if not order.method or not order.uri:
        sys.stderr.write("fims_send: Can't transmit message without method or uri.\n")
        return
    try:
        if order.method not in METHODS:
            raise BusError(f"unknown method {order.method!r}, expected one of {', '.join(sorted(METHODS))}")
        bus.send(order.method, order.uri, body, order.replyto, token)
    except EssError as error:
        complain(str(error))
        return
    try:
        bus.flush()
    except (NoOneListening, Busy):
        pass  # the original never hears of it
    except EssError as error:
        complain(str(error))


def _print_answer(answers: Subscription, order: Order, token: str) -> None:
    def counts(found: Message) -> bool:
        # That it reached nobody, the original never hears: it waits.
        return found.token in (None, token) and found.status not in (Status.NO_ONE_LISTENING, Status.BUSY)

    answer = answer_on(answers, order.timeout_s, counts)
    if answer is None:
        sys.stderr.write("Receive Timeout.\n")
        return
    try:
        print_body(answer.body, order.filter)
    except ValueError as error:
        complain(f"the answer is not what --jq expects: {error}")
