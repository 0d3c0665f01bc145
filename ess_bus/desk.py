"""`Desk`: what a process, or the broker, answers about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ess_bus.message import Message, Status, encode_body, error_body


class Answer(NamedTuple):
    """What is answered; `reason` says why it is a refusal, and is empty where it is none."""

    status: Status
    body: bytes | None
    reason: str = ""


class Desk(dict[str, Callable[[Message], Any]]):
    """Place -> what answers there, or refuses with a `ValueError`."""

    def answer(self, request: Message, place: str, who: str, otherwise: Callable[[], Any]) -> Answer:
        """Return the answer to a request.

        Args:
            request: what was asked.
            place: where, as the keys are written.
            who: is asked, for the refusal of what nobody here answers.
            otherwise: returns the answer at all other places; ``None`` if there is nothing.
        """
        handler = self.get(place)
        try:
            answer = otherwise() if handler is None else handler(request)
            if answer is None:
                raise ValueError(f"{request.method} {request.uri}: not something {who} answers")
        except ValueError as error:
            return Answer(Status.REFUSED, error_body(str(error)), str(error))
        return Answer(Status.OK, encode_body(answer))
