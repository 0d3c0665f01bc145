"""Broker core and client cores together: who receives what, and who is told that nobody did."""

import pytest

from ess_bus.broker.limits import Limits
from ess_bus.control import Mode
from ess_bus.errors import NoOneListening, Refused, TooLarge, UriError
from ess_bus.message import Message, Status
from tests.wire import Wire, outcome


class TestDelivering:
    def test_everyone_below_whose_prefix_it_is_receives_the_frame_unchanged(self, wire):
        near, far = wire.client("near", "/a/b"), wire.client("far", "/")
        sender = wire.client("sender", username="someone")
        sender.send("set", "//a///b/", b"\xff\0any bytes", replyto="/x/1")
        for end in (near, far):
            (message,) = end.take()
            assert message == Message("set", "//a///b/", b"\xff\0any bytes", "/x/1", "sender", "someone")

    def test_a_uri_of_slashes_only_is_the_root(self, wire):
        root, below, sender = wire.client("root", "/"), wire.client("below", "/a"), wire.client("sender")
        for uri in ("/", "//", "///"):
            sender.send("set", uri, 1)
        assert [message.uri for message in root.take()] == ["/", "//", "///"]
        assert below.take() == []

    def test_overlapping_subscriptions_bring_one_copy(self, wire):
        end, sender = wire.client("a", "/", "/a", "/a/b"), wire.client("b")
        sender.send("pub", "/a/b/c", 1)
        assert end.bodies() == [b"1"]

    def test_the_sender_does_not_receive_its_own_message(self, wire):
        sender, other = wire.client("a", "/"), wire.client("b", "/")
        sender.send("pub", "/a", 1)
        assert (sender.bodies(), other.bodies()) == ([], [b"1"])

    def test_a_sender_that_is_the_only_audience_is_told_that_no_one_is_listening(self, wire):
        sender = wire.client("a", "/a")
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))

    def test_order_is_kept_from_one_sender_to_one_receiver_across_verbs(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        sent = [(("set", "pub", "get", "post", "del")[number % 5], f"/a/{number % 3}") for number in range(50)]
        for method, uri in sent:
            sender.send(method, uri)
        assert [(message.method, message.uri) for message in end.take()] == sent

    @pytest.mark.parametrize("method", ["get", "set", "post", "del"])
    def test_a_request_that_reaches_nobody_ends_at_once(self, wire, method):
        sender = wire.client("a")
        with pytest.raises(NoOneListening, match=f"no one is listening on /a/b .{method} not delivered") as caught:
            outcome(wire, sender.request(method, "/a/b"))
        assert (caught.value.method, caught.value.uri) == (method, "/a/b")
        assert wire.broker.statistics.undelivered == 1

    def test_a_passive_listener_sees_a_request_that_still_reaches_nobody(self, wire):
        looker, sender = wire.client("looker", "/", mode=Mode.PASSIVE), wire.client("a")
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))
        assert looker.bodies() == [b"1"]

    def test_a_pub_only_subscriber_is_no_audience_for_a_set(self, wire):
        end, sender = wire.client("a", "/a", mode=Mode.PUB_ONLY), wire.client("b")
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))
        sender.send("pub", "/a", 2)
        assert end.bodies() == [b"2"]

    def test_a_command_without_a_replyto_that_reaches_nobody_is_a_failure_of_the_sender(self, wire):
        sender = wire.client("a")
        sender.send("set", "/a", 1)
        wire.settle()
        (failure,) = sender.core.failures
        assert isinstance(failure, NoOneListening)

    def test_with_a_replyto_of_the_programs_own_an_error_reply_arrives_there(self, wire):
        sender = wire.client("a", "/me")
        sender.send("set", "/a", 1, replyto="/me")
        (message,) = sender.take()
        assert (message.uri, message.status) == ("/me", Status.NO_ONE_LISTENING)
        assert "no one is listening on /a" in message.json()["error"]

    def test_a_pub_that_nobody_hears_is_counted_and_no_error(self, wire):
        sender = wire.client("a")
        sender.send("pub", "/a", 1)
        wire.settle()
        assert not sender.core.failures
        assert wire.broker.statistics.pubs_unheard == 1
        assert wire.broker.statistics.undelivered == 0

    def test_a_new_subscriber_is_seen_behind_a_cached_route(self, wire):
        sender, first = wire.client("s"), wire.client("a", "/a")
        sender.send("pub", "/a", 1)
        second = wire.client("b", "/a")
        sender.send("pub", "/a", 2)
        assert (first.bodies(), second.bodies()) == ([b"1", b"2"], [b"2"])

    def test_every_message_is_counted_once(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        for _ in range(3):
            sender.send("pub", "/a", 1)
        sender.send("pub", "/nobody", 1)
        wire.carry(sender, b"garbage")
        request = sender.request("get", "/a")
        end.answer(end.take()[-1], 1)
        outcome(wire, request)
        assert wire.broker.totals().messages == 6
        assert wire.broker.totals().deliveries == 5

    def test_a_message_over_the_limit_does_not_leave_the_sender(self):
        wire = Wire(Limits(max_message=2000))
        end, sender = wire.client("a", "/a"), wire.client("b")
        with pytest.raises(TooLarge) as caught:
            sender.send("set", "/a", b"x" * 2000)
        assert (caught.value.uri, caught.value.limit) == ("/a", 2000)
        assert caught.value.size > 2000
        sender.send("set", "/a", b"x" * 1900)
        assert len(end.take()[0].body or b"") == 1900

    def test_an_answer_over_the_limit_becomes_an_error_reply(self):
        wire = Wire(Limits(max_message=2000))
        owner, asker = wire.client("a", "/a"), wire.client("b")
        pending = asker.request("get", "/a")
        owner.answer(owner.take()[0], b"x" * 5000)
        with pytest.raises(Refused, match="over the limit of 2000"):
            outcome(wire, pending)

    def test_a_method_that_does_not_exist_is_refused_at_the_sender(self, wire):
        sender = wire.client("a")
        for method in ("", "GET", "reply", "!ping", "get /x"):
            with pytest.raises(ValueError, match="unknown method"):
                sender.send(method, "/a")
            with pytest.raises(ValueError, match="unknown method"):
                sender.core.request(method, "/a", None)
        assert not sender.core._pending

    @pytest.mark.parametrize(("uri", "replyto"), [("a", None), ("/a\0", None), ("/a", "me"), ("/a", "/\n")])
    def test_a_uri_or_replyto_that_cannot_be_routed_is_refused_at_the_sender(self, wire, uri, replyto):
        with pytest.raises(UriError):
            wire.client("a").send("set", uri, 1, replyto=replyto)


class TestAnswers:
    def test_an_answer_reaches_who_asked_and_nobody_else(self, wire):
        owner, asker, other = wire.client("o", "/a"), wire.client("a"), wire.client("b")
        pending = asker.request("get", "/a/x")
        (request,) = owner.take()
        owner.answer(request, {"value": 5})
        reply = outcome(wire, pending)
        assert (reply.method, reply.status, reply.json()) == ("set", Status.OK, {"value": 5})
        assert reply.process_name == "o"
        assert asker.take() == []
        assert other.take() == []

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            ({"error": "Invalid URI"}, "Invalid URI"),
            (b"Error: URI not valid.", "Error: URI not valid."),
            ("Modbus Client -> set had errors", "Modbus Client -> set had errors"),
            (b"\xff", "\ufffd"),
            (None, "no reason given"),
            ({"other": 1}, "{'other': 1}"),
        ],
    )
    @pytest.mark.parametrize("status", [Status.REFUSED, Status.DENIED, Status.NO_ONE_LISTENING])
    def test_an_error_reply_is_refused_with_the_owners_reason(self, wire, body, reason, status):
        owner, asker = wire.client("o", "/a"), wire.client("a")
        pending = asker.request("set", "/a/x", 1)
        owner.answer(owner.take()[0], body, status)
        with pytest.raises(Refused) as caught:
            outcome(wire, pending)
        assert (caught.value.uri, caught.value.reason) == ("/a/x", reason)

    def test_the_first_of_several_answers_counts(self, wire):
        owners, asker = [wire.client("o", "/a"), wire.client("p", "/a")], wire.client("a")
        pending = asker.request("get", "/a")
        for number, owner in enumerate(owners):
            owner.answer(owner.take()[0], number)
        assert outcome(wire, pending).json() == 0
        assert asker.take() == []

    def test_answers_find_their_requests_in_any_order(self, wire):
        owner, asker = wire.client("o", "/a"), wire.client("a")
        pendings = [asker.request("get", f"/a/{number}") for number in range(5)]
        for request in reversed(owner.take()):
            owner.answer(request, request.uri)
        assert [outcome(wire, pending).json() for pending in pendings] == [f"/a/{number}" for number in range(5)]

    def test_a_late_answer_is_discarded(self, wire):
        owner, asker = wire.client("o", "/a"), wire.client("a")
        pending = asker.request("get", "/a")
        asker.core.give_up(pending)
        owner.answer(owner.take()[0], 1)
        wire.settle()
        assert not pending.done
        assert asker.take() == []

    def test_a_late_report_that_nobody_got_it_is_discarded_too(self, wire):
        asker = wire.client("a")
        pending = asker.request("get", "/a")
        asker.core.give_up(pending)
        assert asker.take() == []
        assert not asker.core.failures

    def test_a_message_without_replyto_needs_no_answer(self, wire):
        owner, sender = wire.client("o", "/a"), wire.client("a")
        sender.send("set", "/a", 1)
        assert owner.core.answer(owner.take()[0], Status.OK, b"1") is None

    def test_an_answer_that_nobody_waits_for_any_more_is_counted(self, wire):
        owner, asker = wire.client("o", "/a"), wire.client("a")
        asker.request("get", "/a")
        (request,) = owner.take()
        wire.carry(asker, asker.core.farewell() or b"")
        owner.answer(request, 1)
        wire.settle()
        assert wire.broker.statistics.replies_unclaimed == 1
        assert not owner.core.failures

    def test_a_shared_replyto_gives_both_their_answers(self, wire):
        owner, one, two = wire.client("o", "/a"), wire.client("1", "/me"), wire.client("2", "/me")
        one.send("get", "/a", replyto="/me")
        owner.answer(owner.take()[0], 1)
        assert (one.bodies(), two.bodies()) == ([b"1"], [b"1"])

    def test_answers_do_not_fill_the_route_cache(self, wire):
        owner, asker = wire.client("o", "/a"), wire.client("a")
        for _ in range(20):
            pending = asker.request("get", "/a")
            owner.answer(owner.take()[0], 1)
            outcome(wire, pending)
        asker.send("pub", "/a", 1)
        (client, *_) = wire.broker.clients.values()
        assert list(client.routes) == [b"pub /a\0"]

    def test_a_pub_without_a_nul_is_not_taken_for_the_one_before(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        sender.send("pub", "/a", 1)
        wire.carry(sender, b"pub /ax")
        assert end.bodies() == [b"1"]
        assert end.core.garbage == 0
        assert wire.broker.statistics.protocol_errors == 1
