"""`About`: what a process answers below ``/processes/NAME`` once it was announced."""

from __future__ import annotations

from typing import Any

from ess_bus import control, uri
from ess_bus.desk import Answer, Desk
from ess_bus.message import Message


class About:
    """What a process has to say of itself.

    Args:
        name: what the process calls itself on the bus.

    Attributes:
        uri: where it answers.
        desk: name -> what answers below `uri`.
        said: what it was announced with; ``None`` before.
    """

    def __init__(self, name: str) -> None:
        self.uri = f"{control.PROCESSES}/{name}"
        self.desk = Desk()
        self.said: dict[str, Any] | None = None
        self._name = name

    def is_asked(self, message: Message) -> bool:
        """Tell whether a message is a question about this process, once it was announced."""
        is_question = message.method != "pub" and not message.is_reply
        return self.said is not None and is_question and uri.is_under(message.uri, self.uri)

    def answer(self, request: Message) -> Answer:
        """Return the answer to a question about this process."""
        below = uri.relative(request.uri, self.uri)
        place = below[0] if below is not None and len(below) == 1 else ""
        return self.desk.answer(
            request, place, self._name, lambda: self.said if request.method == "get" and not below else None
        )
