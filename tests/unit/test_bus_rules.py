"""Broker core, client cores and rules together: who is let through, and what everybody else is told."""

import json
import logging
import tomllib
from pathlib import Path

import pytest

from ess_bus import batch
from ess_bus.broker.audit import Trail
from ess_bus.broker.gate import Gate
from ess_bus.broker.rules import Rules
from ess_bus.control import Mode
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message, Status, encode, encode_body
from tests.wire import End, Wire, ask, outcome

RULES = """
[[allow]]
users = ["alice"]
verbs = ["set", "post"]
prefixes = ["/ess"]

[[allow]]
users = ["ess"]
verbs = ["*"]
prefixes = ["/"]

[[deny]]
users = ["bob", "anonymous"]
verbs = ["pub"]
prefixes = ["/ess"]

[[deny]]
users = ["bob"]
verbs = ["sub", "get"]
prefixes = ["/secret"]
"""


class Sink:
    def __init__(self, works: bool = True) -> None:
        self.lines: list[dict[str, object]] = []
        self.works = works

    def append(self, line: bytes) -> None:
        self.lines.append(json.loads(line))

    def record(self, line: bytes, timeout_s: float) -> bool:
        if self.works:
            self.append(line)
        return self.works and timeout_s > 0

    def statistics(self) -> dict[str, object]:
        return {"written": len(self.lines)}

    def outcomes(self) -> list[object]:
        return [line["outcome"] for line in self.lines]


def rules(text: str = RULES) -> Rules:
    return Rules.parse(tomllib.loads(text), Path("site.toml"))


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def gate(sink: Sink) -> Gate:
    return Gate(rules(), Trail(sink))


@pytest.fixture
def wire(gate: Gate) -> Wire:
    return Wire(gate=gate)


@pytest.fixture
def owner(wire: Wire) -> End:
    return wire.client("engine", "/ess", proven="ess")


def answered(wire: Wire, asker: End, owner: End, method: str, uri: str) -> object:
    """Let a request be answered with 42 and return the value that the asker gets."""
    pending = asker.request(method, uri, 5)
    (request,) = owner.take()
    owner.answer(request, 42)
    return outcome(wire, pending).json()


class TestCommands:
    def test_who_may_is_let_through_and_answered(self, wire, owner):
        alice = wire.client("fims_send", proven="alice")
        assert answered(wire, alice, owner, "set", "/ess/limit") == 42

    def test_who_may_not_is_told_at_once_and_why_and_the_owner_sees_nothing(self, wire, owner, caplog):
        bob = wire.client("fims_send", proven="bob")
        with caplog.at_level(logging.WARNING), pytest.raises(Refused) as caught:
            outcome(wire, bob.request("set", "/ess/limit", 5))
        reason = "bob may not set this: no rule allows it, and the default for set is deny (site.toml)"
        assert (caught.value.uri, caught.value.reason) == ("/ess/limit", reason)
        assert owner.take() == []
        assert caplog.messages == [f"denied set /ess/limit to fims_send from a wire: {reason}"]
        assert wire.broker.totals().denied == 1

    def test_a_flood_of_refused_commands_is_one_line_in_the_log(self, wire, caplog):
        bob = wire.client("fims_send", proven="bob")
        for number in range(100):
            bob.send("set", f"/ess/{number}", 5)
        wire.settle()
        assert len(caplog.messages) == 1
        assert len(bob.core.failures) == 100

    def test_with_a_replyto_of_the_programs_own_the_refusal_arrives_there(self, wire):
        bob = wire.client("fims_send", "/me", proven="bob")
        bob.send("set", "/ess/limit", 5, replyto="/me")
        (message,) = bob.take()
        assert message.status is Status.DENIED
        assert "bob may not set this" in message.json()["error"]

    def test_a_claim_does_not_count(self, wire):
        liar = wire.client("fims_send", proven="bob", username="alice")
        with pytest.raises(Refused, match="bob may not"):
            outcome(wire, liar.request("set", "/ess/limit", 5))

    def test_without_proof_one_is_anonymous_whatever_one_claims(self, wire):
        nobody = wire.client("fims_send", username="alice")
        with pytest.raises(Refused, match="anonymous may not"):
            outcome(wire, nobody.request("set", "/ess/limit", 5))

    def test_what_is_allowed_by_default_needs_no_rule(self, wire, owner):
        bob = wire.client("fims_send", proven="bob")
        assert answered(wire, bob, owner, "get", "/ess/limit") == 42

    def test_gets_are_refused_too(self, wire):
        wire.client("vault", "/secret", proven="ess")
        with pytest.raises(Refused, match=r"bob may not get below /secret: deny rule 2 \(site.toml\)"):
            outcome(wire, wire.client("x", proven="bob").request("get", "/secret/key"))

    def test_the_brokers_own_uris_are_under_the_rules(self):
        wire = Wire(gate=Gate(rules('[default]\nget = "deny"'), None))
        with pytest.raises(Refused, match="may not get this"):
            ask(wire, wire.client("x", proven="bob"), "/bus/clients")

    def test_a_refusal_inside_a_batch_is_about_that_message_alone(self, wire, owner):
        alice = wire.client("x", proven="alice")
        frames = [alice.core.frame("set", uri, b"1") for uri in ("/ess/1", "/other", "/ess/2")]
        wire.carry(alice, batch.pack(frames))
        assert [message.uri for message in owner.take()] == ["/ess/1", "/ess/2"]
        (failure,) = alice.core.failures
        assert isinstance(failure, Refused)
        assert failure.uri == "/other"

    def test_a_frame_that_cannot_be_read_is_not_let_through(self, wire, owner):
        alice = wire.client("x", proven="alice")
        wire.carry(alice, b"set /ess/limit\0garbage")
        assert owner.take() == []
        assert wire.broker.statistics.protocol_errors == 1


class TestPubs:
    def test_one_user_may_and_another_may_not_whoever_comes_first(self, wire):
        looker = wire.client("looker", "/ess", proven="carl")
        engine, bob = wire.client("engine", proven="ess"), wire.client("liar", proven="bob")
        for _ in range(3):
            engine.send("pub", "/ess/soc", 50)
            bob.send("pub", "/ess/soc", 99)
        assert looker.bodies() == [b"50"] * 3
        wire.settle()
        assert [type(failure) for failure in bob.core.failures] == [Refused] * 3

    def test_after_the_first_of_a_header_nobody_asks_again(self, wire, gate, monkeypatch):
        looker, engine = wire.client("looker", "/ess"), wire.client("engine", proven="ess")
        asked: list[str] = []
        monkeypatch.setattr(gate, "require_pub", lambda _sender, uri: asked.append(uri))
        monkeypatch.setattr(gate, "admit", None)
        for number in range(100):
            engine.send("pub", "/ess/soc", number)
        assert len(looker.take()) == 100
        assert asked == ["/ess/soc"]

    def test_new_rules_count_from_the_next_pub_on(self, wire, gate):
        looker, bob = wire.client("looker", "/a", proven="carl"), wire.client("x", proven="bob")
        bob.send("pub", "/a", 1)
        gate.rules = rules('[[deny]]\nusers = ["bob"]\nverbs = ["pub"]\nprefixes = ["/a"]')
        wire.broker.routes.forget()
        bob.send("pub", "/a", 2)
        assert looker.bodies() == [b"1"]


class TestReceiving:
    def test_what_lies_below_a_denied_prefix_is_left_out_of_a_wider_subscription(self, wire):
        bob, carl = wire.client("b", "/", proven="bob"), wire.client("c", "/", proven="carl")
        engine = wire.client("engine", proven="ess")
        for method in ("pub", "set"):
            for uri in ("/secret/key", "/open"):
                engine.send(method, uri, 1)
        assert [(message.method, message.uri) for message in bob.take()] == [("pub", "/open"), ("set", "/open")]
        assert len(carl.take()) == 4

    def test_a_subscription_that_could_bring_nothing_is_refused(self, wire):
        bob = wire.client("b", proven="bob")
        pending = bob.subscribe("/secret/key")
        with pytest.raises(Refused, match=r"/secret/key: bob may not receive below /secret: deny rule 2"):
            outcome(wire, pending)
        assert wire.broker.totals().denied == 1

    def test_who_may_not_look_is_no_audience(self, wire):
        wire.client("b", "/", proven="bob")
        with pytest.raises(NoOneListening):
            outcome(wire, wire.client("e", proven="ess").request("set", "/secret/key", 1))

    def test_passive_listeners_are_no_exception(self, wire):
        bob = wire.client("fims_listen", "/", mode=Mode.PASSIVE, proven="bob")
        wire.client("e", proven="ess").send("pub", "/secret/key", 1)
        assert bob.take() == []

    def test_the_answers_to_ones_own_requests_always_arrive_and_nobody_elses(self):
        wire = Wire(
            gate=Gate(rules('[default]\nsub = "deny"\n[[allow]]\nusers=["*"]\nverbs=["sub"]\nprefixes=["/a"]'), None)
        )
        owner, bob, spy = (wire.client(name, *uris) for name, uris in (("o", ["/a"]), ("b", []), ("s", ["/"])))
        pending = bob.request("get", "/a/x")
        (request,) = owner.take()
        assert [message.uri for message in spy.take()] == ["/a/x"]
        owner.answer(request, 42)
        assert outcome(wire, pending).json() == 42
        assert spy.take() == []

    def test_subscriptions_of_a_hello_are_filtered_when_rules_have_changed(self, wire, gate):
        bob = wire.client("b", "/a", proven="bob")
        gate.rules = rules('[[deny]]\nusers = ["bob"]\nverbs = ["sub"]\nprefixes = ["/a"]')
        wire.restart_broker()
        wire.advance(5)
        assert bob.core.joined
        wire.client("e", proven="ess").send("pub", "/a", 1)
        assert bob.take() == []


class TestAnswers:
    def reply(self, end: End, uri: str, value: object = 1) -> None:
        message = Message("set", uri, encode_body(value), None, end.core.name, None, Status.OK)
        end.wire.carry(end, encode(message))

    def test_need_no_rule_at_a_replyto_that_was_named(self, wire):
        # Carl answers for /status, and may set nothing anywhere.
        owner, alice = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/me", proven="alice")
        alice.send("get", "/status/x", replyto="/me")
        assert [message.replyto for message in owner.take()] == ["/me"]
        self.reply(owner, "/me", 42)
        assert alice.bodies() == [b"42"]

    def test_do_need_one_at_any_other(self, wire):
        owner = wire.client("o", "/status", proven="carl")
        alice = wire.client("fims_send", "/me", "/you", proven="alice")
        alice.send("get", "/status/x", replyto="/me")
        owner.take()
        self.reply(owner, "/you")
        assert alice.take() == []
        wire.settle()
        (failure,) = owner.core.failures
        assert "carl may not set this" in str(failure)

    def test_come_from_who_was_asked(self, wire):
        wire.client("o", "/status", proven="carl")
        alice, bob = wire.client("fims_send", "/me", proven="alice"), wire.client("b", proven="bob")
        alice.send("get", "/status/x", replyto="/me")
        self.reply(bob, "/me", "forged")
        assert alice.take() == []

    def test_come_within_a_minute(self, wire):
        owner, alice = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/me", proven="alice")
        alice.send("get", "/status/x", replyto="/me")
        owner.take()
        wire.advance(58)
        self.reply(owner, "/me", "in time")
        wire.advance(4)
        self.reply(owner, "/me", "too late")
        assert alice.bodies() == [b'"in time"']

    def test_a_plain_set_is_no_answer(self, wire):
        owner, alice = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/me", proven="alice")
        alice.send("get", "/status/x", replyto="/me")
        owner.take()
        owner.send("set", "/me", 1)
        assert alice.take() == []

    def test_below_a_clients_own_reply_prefix_always_pass(self, wire):
        alice, carl = wire.client("fims_send", proven="alice"), wire.client("o", proven="carl")
        alice.subscribe("/_reply/mine")
        wire.settle()
        self.reply(carl, "/_reply/mine/1")
        assert len(alice.take()) == 1

    @pytest.mark.usefixtures("owner")
    def test_somebody_elses_uri_as_replyto_needs_the_right_to_set_it(self, wire):
        # Otherwise bob would have the owner's answer delivered to the engine as a set.
        wire.client("o", "/status", proven="carl")
        bob = wire.client("fims_send", "/ess/limit", proven="bob")
        bob.send("get", "/status/x", replyto="/ess/limit")
        wire.settle()
        (message,) = bob.take()
        reason = message.json()["error"]
        assert "engine listens on the replyto too, which makes the answer a set: bob may not set this" in reason
        alice = wire.client("fims_send", proven="alice")
        alice.send("get", "/status/x", replyto="/ess/limit")
        assert not alice.core.failures

    def test_an_answer_that_somebody_else_came_to_hear_as_well_counts_as_a_set(self, wire):
        owner, bob = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/ess/x", proven="bob")
        bob.send("get", "/status/x", replyto="/ess/x")
        owner.take()
        engine = wire.client("engine", "/ess", proven="ess")
        self.reply(owner, "/ess/x")
        assert engine.take() == []

    def test_who_listens_to_everything_is_no_reason_to_refuse(self, wire):
        everything = wire.client("logger", "/", proven="ess")
        owner, bob = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/me", proven="bob")
        bob.send("get", "/status/x", replyto="/me")
        owner.take()
        self.reply(owner, "/me")
        assert len(bob.take()) == 1
        assert [message.uri for message in everything.take()] == ["/status/x", "/me"]

    def test_memory_for_them_is_bounded(self, wire, gate, monkeypatch):
        monkeypatch.setattr("ess_bus.broker.rights.MAX_GRANTS", 10)
        owner, alice = wire.client("o", "/status", proven="carl"), wire.client("fims_send", "/me", proven="alice")
        for number in range(30):
            alice.send("get", "/status/x", replyto=f"/me/{number}")
        owner.take()
        for number in (19, 20, 29):
            self.reply(owner, f"/me/{number}")
        assert [message.uri for message in alice.take()] == ["/me/20", "/me/29"]
        wire.advance(61)
        assert not gate._answers._grants


class TestTrail:
    def test_follows_a_command_to_its_answer(self, wire, owner, sink):
        alice = wire.client("fims_send", proven="alice", username="root")
        answered(wire, alice, owner, "set", "/ess/limit")
        first, second = sink.lines
        assert first["id"] == second["id"]
        shown = {name: first[name] for name in ("user", "claimed_user", "process", "verb", "uri", "body", "outcome")}
        assert shown == {
            "user": "alice",
            "claimed_user": "root",
            "process": "fims_send",
            "verb": "set",
            "uri": "/ess/limit",
            "body": "5",
            "outcome": "delivered",
        }
        assert (second["user"], second["process"], second["outcome"]) == ("ess", "engine", "ok")

    def test_a_refusal_of_the_owner(self, wire, owner, sink):
        pending = wire.client("fims_send", proven="alice").request("post", "/ess/limit", 5)
        (request,) = owner.take()
        owner.answer(request, {"error": "too much"}, Status.REFUSED)
        with pytest.raises(Refused):
            outcome(wire, pending)
        assert sink.outcomes() == ["delivered", "refused"]
        assert sink.lines[1]["reason"] == "too much"

    def test_a_refusal_of_the_rules(self, wire, sink):
        wire.client("fims_send", proven="bob").send("del", "/ess/limit")
        assert sink.outcomes() == ["denied"]
        assert "bob may not delete this" in str(sink.lines[0]["reason"])

    def test_nobody_there(self, wire, sink):
        wire.client("fims_send", proven="alice").send("set", "/ess/limit", 5)
        assert sink.outcomes() == ["undelivered"]

    @pytest.mark.usefixtures("owner")
    def test_no_answer(self, wire, sink):
        wire.client("fims_send", proven="alice").request("set", "/ess/limit", 5)
        wire.advance(58)
        assert sink.outcomes() == ["delivered"]
        wire.advance(4)
        assert sink.outcomes() == ["delivered", "unanswered"]

    def test_a_receiver_that_is_gone_before_it_had_the_command(self, wire, owner, sink):
        alice = wire.client("fims_send", proven="alice")
        owner.gone = True
        with pytest.raises(NoOneListening):
            outcome(wire, alice.request("set", "/ess/limit", 5))
        assert sink.outcomes() == ["delivered", "undelivered"]
        wire.advance(62)
        assert len(sink.lines) == 2

    def test_gets_and_pubs_and_answers_are_not_in_it(self, wire, owner, sink):
        alice = wire.client("fims_send", proven="alice")
        answered(wire, alice, owner, "get", "/ess/limit")
        alice.send("pub", "/ess/limit", 5)
        assert sink.lines == []

    @pytest.mark.usefixtures("owner")
    def test_a_reply_that_nobody_asked_for_is_a_set_and_is_in_it(self, wire, sink):
        # Who listens may take it for a command: programs of the original cannot tell.
        end = wire.client("x", proven="ess")
        TestAnswers().reply(end, "/ess/limit", 5)
        TestAnswers().reply(end, "/nobody", 5)
        assert sink.lines[1]["outcome"] == "undelivered"
        assert (sink.lines[0]["verb"], sink.lines[0]["uri"], sink.lines[0]["outcome"]) == (
            "set",
            "/ess/limit",
            "delivered",
        )

    def test_a_set_by_hand_at_the_replyto_is_the_answer_and_a_command(self, wire, sink):
        wire.client("o", "/ess", proven="ess")
        alice, engine = wire.client("a", "/me", proven="alice"), wire.client("hand", proven="ess")
        alice.send("set", "/ess/limit", 5, replyto="/me")
        engine.send("set", "/me", 5)
        assert sink.outcomes() == ["delivered", "ok", "delivered"]
        assert sink.lines[2]["uri"] == "/me"

    def test_what_the_broker_itself_refuses(self, wire, sink):
        with pytest.raises(Refused):
            outcome(wire, wire.client("x", proven="ess").request("set", "/bus/stats", 0))
        assert sink.outcomes() == ["refused"]

    def test_without_rules_nothing_is_refused_and_all_is_recorded(self, sink):
        wire = Wire(gate=Gate(None, Trail(sink)))
        owner, bob = wire.client("o", "/a"), wire.client("b")
        assert answered(wire, bob, owner, "del", "/a") == 42
        assert sink.outcomes() == ["delivered", "ok"]
        assert sink.lines[0]["user"] == "anonymous"

    def test_where_it_is_required_what_cannot_be_recorded_is_not_done(self, sink):
        wire = Wire(gate=Gate(None, Trail(sink, required=True)))
        owner, bob = wire.client("o", "/a"), wire.client("b")
        sink.works = False
        with pytest.raises(Refused, match="cannot be recorded in the audit trail"):
            outcome(wire, bob.request("set", "/a", 1))
        assert owner.take() == []
        assert sink.outcomes() == ["denied"]
        sink.works = True
        assert answered(wire, bob, owner, "set", "/a") == 42
        assert sink.outcomes() == ["denied", "received", "delivered", "ok"]

    def test_is_shown_by_the_broker(self, wire):
        stats = ask(wire, wire.client("x", proven="ess"), "/bus/stats")
        assert stats["rules"] == "site.toml"
        assert stats["audit"] == {"written": 0, "unanswered": 0}


def test_after_a_restart_a_kept_command_is_recorded_when_its_owner_is_back(sink):
    wire = Wire(gate=Gate(None, Trail(sink)))
    owner, alice = wire.client("o", "/a", proven="ess"), wire.client("a", proven="alice")
    wire.restart_broker()
    owner.silent = True
    wire.advance(2)
    assert alice.core.joined
    alice.send("set", "/a", 1)
    assert sink.lines == []
    owner.silent = False
    wire.advance(3)
    assert len(owner.take()) == 1
    assert sink.outcomes() == ["delivered"]
