"""What a client has to do, with a broker that does what the test says."""

from __future__ import annotations

import itertools
import time

import pytest

from ess_bus import batch, control
from ess_bus.client import Bus, Timeouts
from ess_bus.control import Verb
from ess_bus.errors import Busy, Disconnected, NoOneListening, Refused, RequestTimeout
from ess_bus.message import Message, Status, encode
from tests.conformance.rules import rule
from tests.conformance.script import BROKER, WELCOME, Script, usual


@rule("W-HELLO-1", "W-VERSION-1")
def test_it_says_hello_first_and_again_and_nothing_else_before_it_is_welcome():
    hellos = itertools.count(1)
    script = Script(lambda verb, _: [WELCOME] if verb is Verb.HELLO and next(hellos) == 3 else [])
    began = time.monotonic()
    with Bus(name="n", username="u", transport=script):
        assert time.monotonic() - began >= 1.0
        assert [verb for verb, _ in script.sent] == [Verb.HELLO] * 3
        version, name, user, pid, earlier, _ = script.fields(Verb.HELLO)[0]
        assert (version, name, user, earlier) == (2, "n", "u", "")
        assert isinstance(pid, int)
    assert script.sent[-1] == (Verb.BYE, ())


@rule("W-VERSION-3")
def test_it_is_not_welcome_by_a_welcome_of_another_version():
    other = control.encode(Verb.WELCOME, 3, BROKER, 1 << 20)
    script = Script(lambda verb, _: [other] if verb is Verb.HELLO else [])
    with pytest.raises(Disconnected), Bus(transport=script, timeouts=Timeouts(connect=0.1)):
        pass


@rule("W-WHO-2", "W-HELLO-7", "W-HELLO-8", "W-RESTART-1", "W-RESTART-4", "W-DELIVERY-2")
def test_who_makes_it_say_hello_with_everything_and_what_was_under_way_is_unknown():
    def answer(verb, content):
        if verb == "set" and content.uri == "/lost":
            return [control.encode(Verb.WHO)]
        return usual(verb, content)

    script = Script(answer)
    with Bus(transport=script) as bus:
        subscription = bus.subscribe("/a")
        subscription.add("/b//", pub_only=True)
        with pytest.raises(Disconnected) as caught:
            bus.set("/lost", 1)
        assert caught.value.outcome == "unknown"
        while bus.joins < 2:
            bus.run(0.01)
        first, second = script.fields(Verb.HELLO)
        assert (first[4], second[4]) == ("", BROKER)
        assert {("/a", "all"), ("/b", "pub")} <= set(second[5])  # type: ignore[call-overload]
        assert (bus.joins, bus.gaps) == (2, 2)


@rule("W-PING-1", "W-BATCH-2", "W-FRAME-2", "W-CTRL-3")
def test_it_answers_pings_takes_batches_and_leaves_out_what_it_does_not_understand():
    script = Script()
    with Bus(transport=script) as bus:
        messages = bus.subscribe("/a")
        pub = encode(Message("pub", "/a", b"1", None, "p"))
        garbage = [b"", b"nonsense", b"!shout\0\x90", b"!ping\0\x90", batch.pack([pub, batch.pack([pub, pub])])]
        script.say(*garbage, batch.pack([pub, control.encode(Verb.PING, 77), pub]), control.encode(Verb.PING, -5))
        assert [message.body for message in messages.burst(5, 3)] == [b"1"] * 3
        bus.flush()
        assert [number for (number,) in script.fields(Verb.PONG)] == [77, -5]
        assert bus.statistics().garbage == len(garbage)
        assert bus.connected


@rule("W-PING-4")
def test_it_pings_after_a_second_of_silence_and_after_three_the_broker_is_lost():
    silent = False
    script = Script(lambda verb, content: [] if silent else usual(verb, content))
    with Bus(transport=script) as bus:
        messages = bus.subscribe("/a")
        silent, began = True, time.monotonic()
        while bus.connected:
            assert messages.receive(0.1) is None
        assert time.monotonic() - began >= 2.9
        assert 1 <= len(script.fields(Verb.PING)) <= 3
        silent = False
        while not bus.connected:
            messages.receive(0.1)
        assert bus.joins == 2


@rule("W-TRANSPORT-6", "W-HELLO-1", "W-HELLO-7")
@pytest.mark.parametrize(("broker", "sent"), [(BROKER, ["/me"]), ("another", [])])
def test_an_answer_waits_for_the_welcome_of_the_same_broker_and_nothing_else_does(broker, sent):
    welcome = [WELCOME]
    script = Script(lambda verb, content: welcome if verb is Verb.HELLO else usual(verb, content))
    with Bus(transport=script) as bus:
        requests = bus.subscribe("/a")
        welcome = []
        script.say(control.encode(Verb.WHO))
        while bus.connected:
            bus.run(0.01)
        script.say(encode(Message("get", "/a", None, "/me", "asker")))
        request = requests.receive(5)
        assert request is not None
        bus.reply(request, 1)
        with pytest.raises(Disconnected):
            bus.publish("/b", 1)
        assert script.messages() == []
        welcome = [control.encode(Verb.WELCOME, control.VERSION, broker, 1 << 20)]
        while not bus.connected:
            bus.run(0.01)
        bus.flush()
        assert [message.uri for message in script.messages()] == sent


@rule("W-TRANSPORT-7", "W-ERROR-2")
def test_it_fails_when_nothing_can_be_sent():
    script = Script()
    with Bus(transport=script, timeouts=Timeouts(send=0.05)) as bus:
        script.takes = False
        with pytest.raises(Disconnected, match="takes no more") as caught:
            bus.publish("/a", 1)
        assert caught.value.outcome == "not sent"
        script.takes = True
        bus.flush()
        assert script.messages() == []


@rule("W-DROPPED-2")
def test_it_tells_that_messages_were_missed():
    script = Script()
    with Bus(transport=script) as bus:
        script.say(control.encode(Verb.DROPPED, 5), control.encode(Verb.DROPPED, 2))
        bus.flush()
        assert (bus.statistics().dropped, bus.gaps) == (7, 3)


def undelivered(request: Message, status: str, detail: str | None) -> bytes:
    return control.encode(Verb.UNDELIVERED, status, request.method, request.uri, request.replyto, request.token, detail)


def replied(request: Message, status: Status, body: bytes) -> bytes:
    return encode(Message("set", request.replyto or "", body, None, "owner", None, status, request.token))


@rule("W-ERROR-2", "W-UNDELIVERED-6", "W-REPLY-2")
@pytest.mark.parametrize(
    ("answer", "error", "outcome"),
    [
        (lambda r: undelivered(r, "no_one_listening", None), NoOneListening, "not delivered"),
        (lambda r: undelivered(r, "busy", "owner"), Busy, "not delivered"),
        (lambda r: undelivered(r, "denied", "never"), Refused, "refused"),
        (lambda r: replied(r, Status.BUSY, b"{}"), Busy, "not delivered"),
        (lambda r: replied(r, Status.REFUSED, b"no"), Refused, "refused"),
        (lambda r: replied(r, Status.DENIED, b"no"), Refused, "refused"),
        (lambda _: control.encode(Verb.DROPPED, 1), RequestTimeout, "unknown"),
    ],
)
def test_the_outcomes_of_a_request(answer, error, outcome):
    script = Script(lambda verb, content: [answer(content)] if verb == "set" else usual(verb, content))
    with Bus(transport=script) as bus:
        with pytest.raises(error) as caught:
            bus.request("set", "/a", 1, timeout_s=0.05 if error is RequestTimeout else 20)
        assert caught.value.outcome == outcome


@rule("W-DELIVERY-2", "W-REPLY-3")
def test_a_request_has_one_outcome_whatever_comes_after_it():
    def answer(verb, content):
        if verb != "get":
            return usual(verb, content)
        late = [undelivered(content, "busy", "x"), replied(content, Status.OK, b"2"), control.encode(Verb.WHO)]
        return [replied(content, Status.OK, b"1"), *late]

    script = Script(answer)
    with Bus(transport=script) as bus:
        assert bus.get("/a") == 1
        while bus.joins == 1:
            bus.run(0.01)
        assert bus.get("/a") == 1


@rule("W-DELIVERY-3")
def test_it_repeats_nothing_by_itself():
    script = Script()
    with Bus(transport=script) as bus:
        with pytest.raises(RequestTimeout):
            bus.request("set", "/a", 1, timeout_s=0.1)
        bus.flush()
        assert len(script.messages()) == 1


@rule("W-SLOW-10")
def test_when_its_own_queue_is_full_the_oldest_goes_and_who_asked_is_told():
    script = Script()
    with Bus(transport=script) as bus:
        messages = bus.subscribe("/a", size=2)
        requests = [Message("get", "/a", b"%d" % number, "/me", "p", None, None, f"t{number}") for number in range(3)]
        script.say(batch.pack([encode(message) for message in requests]))
        bus.flush()
        bus.flush()
        assert [message.body for message in messages.burst(0, 9)] == [b"1", b"2"]
        assert messages.dropped == 1
        (reply,) = script.messages()
        assert (reply.uri, reply.status, reply.token) == ("/me", Status.BUSY, "t0")


@rule("W-PROCESS-1")
def test_it_announces_itself_again_after_each_welcome():
    script = Script()
    with Bus(name="p", transport=script) as bus:
        bus.announce()
        script.say(control.encode(Verb.WHO))
        while bus.joins < 2:
            bus.run(0.01)
        bus.flush()
        assert [(message.method, message.uri) for message in script.messages()] == [("pub", "/processes/p")] * 2
