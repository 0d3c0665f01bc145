"""`Api`: what the page asks the server for. Everything but the page itself needs a login."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ess_bus.errors import BusError, Outcome
from ess_bus.uri import check
from tools.ess_web.access import LASTS_S, Access, Role, Session, TooManyFailures
from tools.ess_web.following import Following
from tools.ess_web.hub import Hub
from tools.ess_web.page import MAX_WATCHED
from tools.ess_web.stream import events
from tools.ess_web.tap import Tap
from tools.ess_web.values import MAX_TEXT, scalar, shortened

log = logging.getLogger(__name__)

STATIC: Final = Path(__file__).parent / "static"
MAX_BODY: Final = 1 << 20
MAX_STREAMS: Final = 64
_STATUS: Final = {
    Outcome.REFUSED: HTTPStatus.CONFLICT,
    Outcome.NOT_SENT: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.NOT_DELIVERED: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.UNKNOWN: HTTPStatus.GATEWAY_TIMEOUT,
}

Handler = Callable[[Request, Session], Awaitable[Response]]


class Problem(Exception):
    """Why a request is not carried out, with the HTTP status that says so."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """The routes; `stopping` ends the streams."""

    def __init__(self, hub: Hub, following: Following, access: Access, *, cookie: str, rate: float) -> None:
        self.stopping = False
        self._hub, self._following, self._access = hub, following, access
        self._cookie = cookie
        self._every_s = 1 / rate

    def app(self) -> Starlette:
        """Return the application."""
        operator = Role.OPERATOR
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/api/login", self._login, methods=["POST"]),
                Route("/api/logout", self._for(self._logout), methods=["POST"]),
                Route("/api/session", self._for(self._session)),
                Route("/api/stream", self._for(self._stream)),
                Route("/api/streams/{key}", self._for(self._watch), methods=["POST"]),
                Route("/api/tree", self._for(self._tree)),
                Route("/api/history", self._for(self._history), methods=["POST"]),
                Route("/api/set", self._for(self._set, operator), methods=["POST"]),
                Route("/api/acknowledge", self._for(self._acknowledge, operator), methods=["POST"]),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            exception_handlers={Problem: _tell, ClientDisconnect: _nobody},
        )

    def _for(self, handler: Handler, role: Role | None = None) -> Callable[[Request], Awaitable[Response]]:
        """Let only those in who have logged in, and with `role` only those who have it."""

        async def endpoint(request: Request) -> Response:
            session = self._access.session(request.cookies.get(self._cookie), time.time())
            if session is None:
                raise Problem(HTTPStatus.UNAUTHORIZED, "log in first")
            if role is not None and session.role is not role:
                raise Problem(HTTPStatus.FORBIDDEN, f"only an {role} may do this; you are a {session.role}")
            return await handler(request, session)

        return endpoint

    async def _page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _login(self, request: Request) -> Response:
        body = await _object(request)
        token, name = _text(body, "token"), shortened(" ".join(_text(body, "name").split()), 40)
        if not name or not name.isprintable():
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "name: expected who you are")
        try:
            session = self._access.login(token, name, time.time())
        except TooManyFailures:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens; wait a minute") from None
        if session is None:
            log.warning("a login with a wrong token, as %r", name)
            raise Problem(HTTPStatus.UNAUTHORIZED, "this token is not known here")
        log.info("%r has logged in as %s", name, session.role)
        response = JSONResponse({"name": session.name, "role": session.role})
        lasts = LASTS_S[session.role]
        response.set_cookie(self._cookie, session.key, max_age=lasts, httponly=True, samesite="strict")
        return response

    async def _logout(self, _request: Request, session: Session) -> Response:
        self._access.logout(session)
        response = JSONResponse({})
        response.delete_cookie(self._cookie, httponly=True, samesite="strict")
        return response

    async def _session(self, _request: Request, session: Session) -> Response:
        return JSONResponse({"name": session.name, "role": session.role})

    async def _stream(self, _request: Request, session: Session) -> Response:
        if len(self._hub.pages) >= MAX_STREAMS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_STREAMS} pages are open already")

        def is_wanted() -> bool:
            return not self.stopping and self._access.session(session.key, time.time()) is not None

        return StreamingResponse(events(self._hub, session, self._every_s, is_wanted), media_type="text/event-stream")

    async def _watch(self, request: Request, session: Session) -> Response:
        page = self._hub.pages.get(request.path_params["key"])
        if page is None or page.session != session:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such stream")
        body = await _object(request)
        page.watch(_uris(body, "watch"), self._hub.store)
        listen = body.get("listen")
        try:
            page.tap = None if listen is None else Tap.parse(listen)
        except ValueError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        page.wants_broker = body.get("broker") is True
        page.mailbox.note("broker")
        return JSONResponse({})

    async def _tree(self, _request: Request, _session: Session) -> Response:
        return _json(self._hub.tree())

    async def _history(self, request: Request, _session: Session) -> Response:
        history = self._hub.history
        uris = _uris(await _object(request), "uris")[: len(history.chosen) + 16]
        for uri in uris:
            if self._hub.store.find(uri) is not None:
                history.choose(uri)
        return _json({uri: history.series(uri) for uri in uris})

    async def _set(self, request: Request, session: Session) -> Response:
        body = await _object(request)
        uri, value = _text(body, "uri"), body.get("value")
        if not isinstance(value, bool | int | float | str):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "value: expected a number, true, false or a text")
        try:
            check(uri)
            answer = await self._following.set(uri, value)
        except ValueError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        except BusError as error:
            log.warning("%r: set %s %s: %s", session.name, uri, shortened(repr(value), 80), error)
            return JSONResponse({"error": str(error), "outcome": error.outcome}, _STATUS[error.outcome])
        log.info("%r: set %s %s", session.name, uri, shortened(repr(value), 80))
        try:
            return _json({"answer": scalar(answer.json())})
        except ValueError:
            return _json({"answer": None})

    async def _acknowledge(self, request: Request, session: Session) -> Response:
        numbers = (await _object(request)).get("numbers")
        if not isinstance(numbers, list) or not all(isinstance(one, int) for one in numbers):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "numbers: expected a list of whole numbers")
        count = self._hub.alarms.acknowledge(set(numbers), session.name, time.time())
        self._hub.note("alarms")
        log.info("%r: acknowledged %d alarms", session.name, count)
        return JSONResponse({"acknowledged": count})


async def _object(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request, which may not be endless."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MAX_BODY} bytes")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "expected a JSON object")
    return content


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: expected a text of at most {MAX_TEXT} characters")
    return value


def _uris(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_WATCHED or not all(isinstance(one, str) for one in value):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: expected a list of at most {MAX_WATCHED} URIs")
    return value


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


async def _tell(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - Starlette's signature is wider than what it calls this with
    return JSONResponse({"error": str(error)}, error.status)


async def _nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)
