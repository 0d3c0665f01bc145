"""The dashboard's server at a real broker and engine: what it tells, what it lets through, and what it refuses."""

from __future__ import annotations

import functools
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ess_bus.client import Bus, Timeouts
from ess_bus.message import Message
from tests.integration.conftest import eventually, free_port, start_broker
from tests.integration.web_site import OWN, TOKENS, address, client, start_web, stream, token_file
from tools.ess_web.api import MAX_STREAMS

SUMMARY = "/ess/assets/ess/summary"
JSON = {"Content-Type": "application/json"}
TABLES = {
    "/status/bms": {"SOC": {"value": 50, "unit": "%"}},
    "/assets/ess/summary": {
        "name": "ESS",
        "power": {
            "name": "Set point", "value": 0, "unit": "W", "scaler": 1000, "enabled": True,
            "ui_type": "control", "type": "number",
        },
        "start": {
            "name": "On", "value": False, "enabled": False, "reason": "a door is open", "ui_type": "control",
            "type": "enum_button", "options": [{"name": "On", "return_value": True}],
        },
        "alarms": {"name": "Alarms", "value": 0, "options": [], "enabled": True, "ui_type": "alarm", "type": "number"},
    },
}  # fmt: skip


class Small:
    """A broker, an engine and a dashboard."""

    def __init__(self, start, folder: Path) -> None:
        self.start, self.folder = start, folder
        self.endpoint = f"ipc://{folder}/broker.sock"
        self.broker = start_broker(start, self.endpoint)
        (folder / "engine").mkdir()
        (folder / "engine" / "tables.json").write_text(json.dumps(TABLES))
        self.engine = self.start_engine()
        self.url = start_web(start, folder, bus=self.endpoint)

    def start_engine(self):
        engine = self.start("ess_bus.engine.command", "--no-state", self.folder / "engine", "--bus", self.endpoint)
        eventually(lambda: "answering" in engine.output or engine.popen.poll() is not None)
        return engine

    def bus(self) -> Bus:
        return Bus(self.endpoint, name="test", timeouts=Timeouts(connect=20, request=10))


@pytest.fixture
def site(start, folder) -> Small:
    return Small(start, folder)


@pytest.fixture
def web(site) -> Iterator[httpx.Client]:
    with client(site.url) as made:
        yield made


def test_values_cards_and_a_set_with_its_answer(site, web):
    with stream(web) as page, site.bus() as bus:
        page.until(lambda: page.said["cards"] and not page.said["health"]["engine"])
        (card,) = page.said["cards"]
        assert (card["title"], [row["name"] for row in card["rows"]]) == ("ESS", ["Set point", "On", "Alarms"])
        page.watch("/ess/status/bms/SOC", f"{SUMMARY}/power", "/components/a/x")
        page.until(lambda: page.values["/ess/status/bms/SOC"][0] == 50)
        bus.set("/ess/status/bms/SOC", 51)
        page.until(lambda: page.values["/ess/status/bms/SOC"][::2] == [51, None])
        assert web.post("/api/set", json={"uri": f"{SUMMARY}/power", "value": 120.5}).json() == {"answer": 120.5}
        page.until(lambda: page.values[f"{SUMMARY}/power"][0] == 120.5)
        assert bus.get(f"{SUMMARY}/power") == 120.5
        bus.publish("/components/a", {"x": None})
        page.until(lambda: page.values["/components/a/x"][0] is None)
        assert web.get("/api/tree").json()["/ess/status/bms"] == {"SOC": {"unit": "%"}}
        uri = "/ess/status/bms/SOC"
        page.until(lambda: page.samples and web.post("/api/history", json={"uris": [uri]}).json()[uri])
        page.until(lambda: page.samples[-1][1][uri] == 51)


def test_a_refused_set_says_why_and_what_is_known_of_it(site, web):
    refused = web.post("/api/set", json={"uri": f"{SUMMARY}/start", "value": True})
    assert refused.status_code == 409
    assert refused.json()["outcome"] == "refused"
    assert "a door is open" in refused.json()["error"]
    nobody = web.post("/api/set", json={"uri": "/nobody/there", "value": True})
    assert (nobody.status_code, nobody.json()["outcome"]) == (503, "not delivered")
    assert "no one is listening" in nobody.json()["error"]
    site.broker.stop()
    gone = web.post("/api/set", json={"uri": f"{SUMMARY}/power", "value": 1})
    assert (gone.status_code, gone.json()["outcome"]) in [(503, "not sent"), (504, "unknown")]


NO_SETS = (
    {"uri": SUMMARY, "value": None}, {"uri": SUMMARY, "value": [1]}, {"uri": SUMMARY, "value": {}},
    {"uri": "nowhere", "value": 1}, {"uri": 5, "value": 1}, {"value": 1}, {"uri": "/" + "a" * 300, "value": 1},
)  # fmt: skip


def test_what_is_no_set_is_refused_before_the_bus(web):
    for body in NO_SETS:
        answer = web.post("/api/set", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert "error" in answer.json()


def test_a_silent_and_a_dead_engine_and_a_lost_broker_make_values_not_valid(site, web):
    soc = "/ess/status/bms/SOC"
    with stream(web) as page:
        page.watch(soc)
        page.until(lambda: page.values[soc][2] is None)
        site.engine.popen.send_signal(signal.SIGSTOP)
        page.until(lambda: "does not answer" in (page.values[soc][2] or ""))
        assert "does not answer" in page.said["health"]["engine"]
        site.engine.popen.send_signal(signal.SIGCONT)
        page.until(lambda: page.values[soc][2] is None)
        site.engine.stop(signal.SIGKILL)
        page.until(lambda: "is gone" in (page.values[soc][2] or ""))
        site.start_engine()
        page.until(lambda: page.values[soc][2] is None and not page.said["health"]["engine"])
        site.broker.stop(signal.SIGKILL)
        page.until(lambda: "broker" in (page.values[soc][2] or "") and not page.said["health"]["connected"])
        start_broker(site.start, site.endpoint)
        page.until(lambda: page.values[soc][2] is None and page.said["health"]["connected"])


def test_an_alarm_is_acknowledged_for_all_pages(site, web):
    with client(site.url, "viewer") as other, stream(web) as page, stream(other) as second, site.bus() as bus:
        bus.set(f"{SUMMARY}/alarms", {"value": 1, "options": [{"name": "too hot", "return_value": 3}]})
        alarm = page.until(lambda: page.said["alarms"]["list"][0])
        assert (alarm["text"], alarm["standing"], alarm["by"], alarm["asset"]) == ("too hot", "active", "", "ESS")
        assert other.post("/api/acknowledge", json={"numbers": [alarm["number"]]}).status_code == 403
        assert web.post("/api/acknowledge", json={"numbers": "all"}).status_code == 422
        assert web.post("/api/acknowledge", json={"numbers": [alarm["number"]]}).json() == {"acknowledged": 1}
        seen = second.until(lambda: [one for one in second.said["alarms"]["list"] if one["by"] == "Ada"])
        assert seen[0]["acknowledged"] >= alarm["since"]


def test_what_is_published_while_everything_is_asked_for_is_shown(start, folder, broker):
    """The answers are older than it, and nobody says it again."""
    fault = {"value": 1, "options": [{"name": "too hot", "return_value": 3}]}
    tables = {
        "/status/bms": {"SOC": {"value": 50}},
        "/assets/ess/summary": {"faults": {"value": 0, "options": [], "ui_type": "fault"}},
    }

    def answer(engine: Bus, request: Message) -> Any:
        if request.uri == "/ess/full":
            return tables
        engine.publish("/ess/status/bms", {"SOC": 51})
        engine.publish("/ess/ui/assets/ess/summary", {"faults": fault})
        return {"ess": {"summary": tables["/assets/ess/summary"]}}

    with Bus(broker, name="engine") as engine:
        engine.serve("/ess", functools.partial(answer, engine))
        url = start_web(start, folder, bus=broker)
        with client(url) as web, stream(web) as page:
            page.watch("/ess/status/bms/SOC")

            def shown() -> bool:
                engine.run(0.05)
                texts = [one["text"] for one in page.said["alarms"]["list"]]
                return page.values["/ess/status/bms/SOC"][::2] == [51, None] and texts == ["too hot"]

            page.until(shown)


def test_live_listen_with_filters_and_what_the_broker_counts(site, web):
    with stream(web) as page, site.bus() as bus:
        page.watch(listen={"prefix": "/components", "method": "pub", "text": "HOT"}, broker=True)
        page.until(lambda: "/components" in bus.get("/bus/subscriptions"))
        for body in ("cold", "hot"):
            bus.publish("/components/a", body)
            bus.publish("/others/a", body)
        page.until(lambda: page.lines)
        assert [(one["uri"], one["body"], one["process"]) for one in page.lines] == [("/components/a", '"hot"', "test")]
        page.until(lambda: {"test", "ess_web"} <= {one["name"] for one in page.said["broker"]["clients"]})
        assert page.watch(listen={"prefix": "x"}).status_code == 422
        page.watch()
        # Nobody listens any more, and the bus is not asked for it.
        eventually(lambda: "/components" not in bus.get("/bus/subscriptions"))


def test_without_a_login_there_is_nothing_but_the_page(site):
    with client(site.url, None) as nobody:
        assert nobody.get("/").status_code == 200
        assert nobody.get("/static/app.js").status_code == 200
        for path in ("/api/session", "/api/stream", "/api/tree"):
            assert nobody.get(path).status_code == 401
        for path in ("/api/set", "/api/acknowledge", "/api/history", "/api/streams/x"):
            assert nobody.post(path, json={}).status_code == 401
        assert nobody.get("/static/%2e%2e/api.py").status_code == 404
        wrong = nobody.post("/api/login", json={"token": "wrong", "name": "Eve"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        assert nobody.post("/api/login", content=b"{", headers=JSON).status_code == 400
        assert nobody.post("/api/login", content=b"x" * (2 << 20), headers=JSON).status_code == 413


def test_the_cookie_is_nothing_for_scripts_and_other_sites(site, web):
    cookie = web.post("/api/login", json={"token": TOKENS["viewer"], "name": "Ada"}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "default-src 'none'" in web.get("/").headers["content-security-policy"]


FOREIGN = (
    {"Host": "evil.example"}, {"Host": ""}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"X-ESS-Web": "0"}, {"Content-Type": "text/plain"}, {"Origin": "null"},
)  # fmt: skip


def test_what_another_site_could_send_does_nothing(site, web):
    for headers in FOREIGN:
        answer = web.post("/api/set", json={"uri": f"{SUMMARY}/power", "value": 99}, headers=headers)
        assert answer.status_code == 403, (headers, answer.text)
        if "Host" in headers:
            assert web.get("/", headers=headers).status_code == 403
    with site.bus() as bus:
        assert bus.get(f"{SUMMARY}/power") == 0


def test_who_has_logged_out_hears_and_does_nothing_more(site, web):
    cookies = dict(web.cookies)
    with stream(web) as page:
        assert web.post("/api/logout", json={}).status_code == 200
        with pytest.raises(AssertionError, match="the stream has ended"):
            page.until(lambda: False)
    with httpx.Client(base_url=site.url, headers=OWN, cookies=cookies) as again:
        assert again.get("/api/session").status_code == 401


def test_viewers_cannot_set_and_read_only_has_no_operator(site, start):
    with client(site.url, "viewer") as viewer:
        answer = viewer.post("/api/set", json={"uri": f"{SUMMARY}/power", "value": 1})
        assert (answer.status_code, "only an operator" in answer.text) == (403, True)
    url = start_web(start, site.folder, "--read-only", "--process-name", "second", bus=site.endpoint)
    with client(url, None) as web:
        assert web.post("/api/login", json={"token": TOKENS["operator"], "name": "Ada"}).status_code == 401
    with client(url, "viewer") as web:
        assert web.get("/api/tree").status_code == 200


def test_a_session_lasts_over_a_restart_that_has_the_same_tokens(site, start, folder):
    port = free_port()
    options = ("--port", port, "--token-file", token_file(folder), "--process-name", "second")
    first = start("tools.ess_web.command", *options, bus=site.endpoint)
    with client(address(first)) as web:
        assert first.stop() == 0
        address(start("tools.ess_web.command", *options, bus=site.endpoint))
        assert web.get("/api/session").json() == {"name": "Ada", "role": "operator"}


def test_two_thousand_variables_ten_times_a_second_and_a_browser_that_does_not_read(site, web):
    """Neither the bus nor the pages that read notice those that do not."""
    tables = {f"/components/load_{table}": [f"v{one}" for one in range(100)] for table in range(20)}
    uris = [f"{table}/{name}" for table, names in tables.items() for name in names]
    ended = threading.Event()
    published = [0]

    def publish() -> None:
        with Bus(site.endpoint, name="load") as bus:
            while not ended.wait(0.1):
                published[0] += 1
                for table, names in tables.items():
                    bus.publish(table, dict.fromkeys(names, published[0]))

    where = urlsplit(site.url)
    cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    with socket.create_connection((where.hostname, where.port)) as stalled, stream(web) as page, site.bus() as bus:
        stalled.sendall(f"GET /api/stream HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
        begun_with = b""
        while not (hello := re.search(rb'"hello":"([^"]+)"', begun_with)):
            begun_with += stalled.recv(1000)
        loader = threading.Thread(target=publish)
        loader.start()
        try:
            page.watch(*uris)
            # The other one asks for as much, and then reads nothing.
            assert web.post(f"/api/streams/{hello[1].decode()}", json={"watch": uris}).status_code == 200
            page.until(lambda: len(page.values) == len(uris) and page.values[uris[-1]][0] > 1)
            begun = page.values[uris[0]][0]
            page.until(lambda: page.values[uris[0]][0] >= begun + 30)
            (own,) = [one for one in bus.get("/bus/clients") if one["name"] == "ess_web"]
            assert (own["dropped"], own["lagging"]) == (0, False)
            # What is shown is what was published just now, not what has piled up.
            page.until(lambda: published[0] - page.values[uris[-1]][0] <= 10)
        finally:
            ended.set()
            loader.join()
        page.until(lambda: {page.values[uri][0] for uri in uris} == {published[0]})


def test_pages_that_were_left_are_forgotten(site, web):
    where = urlsplit(site.url)
    cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    request = f"GET /api/stream HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()

    def leave() -> bool:
        with socket.create_connection((where.hostname, where.port)) as page:
            page.sendall(request)
            return b"200 OK" in page.recv(1000)

    for _ in range(2 * MAX_STREAMS):
        eventually(leave)


@pytest.mark.parametrize(
    ("options", "status", "problem"),
    [
        (("--port", "x"), 2, "not a valid integer"), (("--engine", "a/b"), 2, "one word"),
        (("--token-file", "/nowhere.toml"), 1, "no such file"), (("--diagram", "/nowhere.json"), 1, "nowhere.json"),
        (("--host", "203.0.113.1", "--port", 0), 1, "cannot listen on 203.0.113.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(run, options, status, problem):
    done = run("tools.ess_web.command", *options)
    assert done.returncode == status
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("tools.ess_web.command", "--port", taken.getsockname()[1])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "in use" in done.stderr


def test_it_waits_for_a_broker_prints_new_tokens_and_stops_quietly(start, folder):
    endpoint = f"ipc://{folder}/late.sock"
    process = start("tools.ess_web.command", "--port", 0, bus=endpoint)
    url = address(process)
    eventually(lambda: "viewer: " in process.output)
    token = next(line for line in process.output.splitlines() if line.startswith("operator: ")).partition("#")[2]
    with httpx.Client(base_url=url, headers=OWN, timeout=20) as web:
        assert web.post("/api/login", json={"token": token, "name": "Ada"}).status_code == 200
        with stream(web) as page:
            page.until(lambda: page.said["health"]["connected"] is False)
            start_broker(start, endpoint)
            page.until(lambda: page.said["health"]["connected"])
            # With a page open.
            assert process.stop(signal.SIGINT) == 0
    assert "Traceback" not in process.output
