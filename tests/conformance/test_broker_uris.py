"""Section 9: what the broker answers about itself, and what it says of processes."""

from __future__ import annotations

import pytest

from ess_bus.control import Mode, Verb
from ess_bus.errors import Refused
from ess_bus.message import Status
from tests.conformance.rules import rule

CLIENT = {
    "name", "user", "user_is_proven", "pid", "address", "since", "connected_s", "subscriptions",
    "received", "sent", "dropped", "waiting", "waiting_bytes", "lagging",
}  # fmt: skip
STATS = {
    "messages", "deliveries", "dropped", "undelivered", "denied", "pubs_unheard", "replies_unclaimed",
    "protocol_errors", "unknown_dropped", "clients", "waiting", "waiting_bytes", "uptime_s", "limits",
}  # fmt: skip


@rule("W-BUS-1", "W-BUS-4", "W-REPLY-1")
def test_the_broker_describes_itself(world, at):
    peer = world.peer("asker", at, mode=Mode.ALL)
    answers = {}
    for name in ("clients", "subscriptions", "stats", "version"):
        peer.message("get", f"//bus/{name}/", b"whatever", at, token=name)
        (reply,) = peer.take()
        assert (reply.status, reply.token, reply.process_name, reply.replyto) == (Status.OK, name, "fims_server", None)
        answers[name] = reply.json()
    (me,) = (client for client in answers["clients"] if client["name"] == "asker")
    assert me.keys() >= CLIENT
    assert me["subscriptions"] == {at: "all"}
    assert answers["subscriptions"][at] == ["asker"]
    assert answers["stats"].keys() >= STATS
    assert answers["stats"]["limits"]["max_message"] == 16 << 20
    peer.message("get", "/bus", None, at)
    (reply,) = peer.take()
    assert reply.json().keys() >= answers.keys()
    assert reply.json()["version"] == answers["version"]


@rule("W-BUS-2")
@pytest.mark.parametrize(
    ("method", "uri"),
    [("get", "/bus/nonsense"), ("get", "/bus/stats/more"), ("set", "/bus/stats"), ("del", "/bus"), ("post", "/bus")],
)
def test_it_refuses_everything_else(world, at, method, uri):
    peer = world.peer("asker", at)
    peer.message(method, uri, None, at, token="t")
    (reply,) = peer.take()
    assert (reply.status, reply.token) == (Status.REFUSED, "t")
    assert reply.json().keys() == {"error"}
    peer.message(method, uri)
    assert not list(peer.told())
    assert peer.take() == []
    with world.bus() as bus, pytest.raises(Refused):
        bus.request(method, uri)


@rule("W-BUS-3")
def test_commands_for_the_broker_are_not_routed_and_pubs_are(world, at):
    watching, peer = world.peer("watching", "/", "/bus"), world.peer("peer")
    peer.message("set", "/bus/stats", b"1")
    peer.message("get", "/bus/stats", None, at)
    peer.message("set", "/bus/stats", b"a reply", status=Status.OK)
    peer.message("pub", "/bus/stats", b"2")
    peer.message("set", "/business", b"3")
    seen = watching.take()
    assert [message.uri for message in seen] == [at, "/bus/stats", "/business"]
    assert [message.body for message in seen[1:]] == [b"2", b"3"]


@rule("W-PROCESS-1")
def test_a_process_that_is_announced_answers_and_says_so(world, at):
    name = f"process{at[2:]}"
    peer = world.peer("peer", f"/processes/{name}", at)
    with world.bus(name=name) as bus:
        bus.announce(extra=5)
        (born,) = peer.take()
        assert (born.method, born.json()["name"], born.json()["extra"]) == ("pub", name, 5)
        peer.message("get", f"/processes/{name}", None, at)
        bus.run(0)
        bus.flush()
        answer = next(message for message in peer.take() if message.uri == at)
        assert answer.json() == born.json()


@rule("W-PROCESS-2")
def test_when_it_is_gone_that_is_said_and_not_if_another_of_its_name_is_there(world, at):
    uri = f"/processes/p{at[2:]}"
    name = uri.rpartition("/")[2]
    watching = world.peer("watching", uri, mode=Mode.PUB_ONLY)
    one, two, other = world.peer(name, uri), world.peer(name, uri), world.peer("other", uri)
    one.say(Verb.BYE)
    one.join()
    other.say(Verb.BYE)
    two.cut()
    watching.until(lambda: watching.frames)
    (gone,) = watching.take()
    assert gone.json() == {"name": name, "gone": True}
    assert (gone.method, gone.process_name) == ("pub", "fims_server")
