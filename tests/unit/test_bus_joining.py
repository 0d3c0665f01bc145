"""Broker core and client cores together: joining and subscribing."""

import pytest

from ess_bus import control
from ess_bus.client.core import ClientCore
from ess_bus.client.inbox import Inbox
from ess_bus.control import Mode, Verb
from ess_bus.errors import Disconnected, NoOneListening, Refused, UriError
from tests.wire import outcome


class TestJoining:
    def test_a_client_says_hello_and_is_welcome(self, wire):
        end = wire.connect(ClientCore("bms", "operator", wire.now))
        assert not end.core.joined
        wire.settle()
        assert end.core.joined
        (client,) = wire.broker.clients.values()
        assert (client.name, client.user) == ("bms", "operator")

    def test_hello_is_repeated_until_it_is_heard(self, wire):
        end = wire.connect(ClientCore("bms", None, wire.now))
        end.silent = True
        wire.advance(3)
        assert not end.core.joined
        end.silent = False
        wire.advance(1)
        assert end.core.joined
        assert len(wire.broker.clients) == 1

    def test_a_second_hello_leaves_one_client_with_one_copy_of_each_message(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        end.core._hello()
        wire.settle()
        assert len(wire.broker.clients) == 2
        sender.send("pub", "/a", 1)
        assert end.bodies() == [b"1"]

    @pytest.mark.parametrize(
        "fields",
        [
            (),
            (2,),
            (1, "name", "user", 1, ()),
            ("x" * 100_000, "name", "user", 1, "", ()),
            (2, b"name", "user", 1, "", ()),
            (2, "name", None, 1, "", ()),
            (2, "name", "user", "1", "", ()),
            (2, "name", "user", 1, None, ()),
            (2, "name", "user", 1, "", (("/a",),)),
            (2, "name", "user", 1, "", (("a", "all"),)),
            (2, "name", "user", 1, "", (("/a\n", "all"),)),
            (2, "name", "user", 1, "", (), 6),
        ],
    )
    def test_a_wrong_hello_is_answered_with_an_error_and_admits_nobody(self, wire, fields):
        end = wire.connect(ClientCore("x", None, wire.now))
        wire.carry(end, control.encode(Verb.HELLO, *fields))
        assert wire.control_verbs(end) == [Verb.ERROR]
        assert len(end.queue[0]) < 300
        assert not wire.broker.clients
        assert wire.broker.statistics.protocol_errors == 1
        wire.settle()
        assert end.core.joined  # the next, right hello is welcome

    def test_a_wrong_second_hello_makes_the_client_unknown_and_asked_again(self, wire):
        end = wire.client("a", "/a")
        wire.carry(end, control.encode(Verb.HELLO, 3, "a", "", 1, "", ()))
        assert not wire.broker.clients
        wire.advance(3)
        assert end.core.joined
        assert wire.broker.routes.match("set", "/a").audience

    def test_goodbye_removes_the_client_at_once(self, wire):
        end, other = wire.client("a", "/a"), wire.client("b")
        goodbye = end.core.farewell()
        assert goodbye is not None
        wire.carry(end, goodbye)
        assert [client.name for client in wire.broker.clients.values()] == ["b"]
        with pytest.raises(NoOneListening):
            outcome(wire, other.request("get", "/a"))

    def test_a_client_that_never_joined_has_nobody_to_say_goodbye_to(self):
        assert ClientCore("a", None, 0.0).farewell() is None

    def test_goodbye_ends_what_is_under_way(self, wire):
        end = wire.client("a")
        wire.client("owner", "/a")
        pending = end.request("get", "/a")
        end.core.farewell()
        assert not end.core.joined
        with pytest.raises(Disconnected, match="closed"):
            pending.result()

    def test_names_that_cannot_travel_are_made_printable(self, wire):
        core = ClientCore("a\nb\udcff", "\udcffü", wire.now)
        end = wire.connect(core)
        wire.settle()
        assert core.joined
        listener = wire.client("listener", "/")
        end.send("pub", "/a", 1)
        (message,) = listener.take()
        assert message.process_name.isprintable()
        assert message.username == "\ufffdü"


class TestSubscribing:
    def test_it_is_acknowledged_when_it_is_in_force(self, wire):
        end = wire.client("a")
        pending = end.subscribe("/a")
        assert not pending.done
        frame = end.core.outgoing.popleft()
        wire.carry(end, frame)
        assert not pending.done
        assert wire.broker.routes.match("set", "/a").audience
        assert outcome(wire, pending) is None

    def test_nothing_is_received_any_more_when_unsubscribe_is_acknowledged(self, wire):
        end, sender = wire.client("a", "/a", "/b"), wire.client("b")
        outcome(wire, end.unsubscribe("/a"))
        sender.send("pub", "/a", 1)
        sender.send("pub", "/b", 2)
        assert end.bodies() == [b"2"]

    @pytest.mark.parametrize(("one", "other"), [("/a/b", "/a//b/"), ("/a/", "/a"), ("//", "/")])
    def test_two_texts_of_one_uri_are_one_subscription(self, wire, one, other):
        end, sender = wire.client("a", one), wire.client("b")
        outcome(wire, end.unsubscribe(other))
        sender.send("pub", one, 1)
        assert end.bodies() == []
        outcome(wire, end.subscribe(one))
        outcome(wire, end.subscribe(other, mode=Mode.PUB_ONLY))
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", one, 1))

    def test_a_uri_that_cannot_be_routed_is_refused_before_anything_is_sent(self, wire):
        end = wire.client("a")
        with pytest.raises(UriError):
            end.subscribe("/a", "b")
        assert not end.core.outgoing
        outcome(wire, end.subscribe("/c"))
        assert "/a" not in next(iter(wire.broker.clients.values())).subscriptions

    def test_the_broker_refuses_a_list_as_a_whole_and_says_why(self, wire):
        end = wire.client("a", "/a")
        listed = (("/b", "all"), ("no-slash", "all"))
        wire.carry(end, control.encode(Verb.SUBSCRIBE, 77, listed))
        verb, fields = control.decode(end.queue[-1])
        assert (verb, fields[0]) == (Verb.SUBSCRIBED, 77)
        assert "no-slash" in fields[1]
        assert not wire.broker.routes.match("set", "/b").audience
        assert wire.broker.routes.match("set", "/a").audience

    def test_a_refused_subscription_is_an_error_for_who_waits(self, wire):
        end = wire.client("a")
        pending = end.subscribe("/a")
        end.core.feed(control.encode(Verb.SUBSCRIBED, end.core._sequence, "not today"), wire.now)
        with pytest.raises(Refused, match="not today"):
            pending.result()

    def test_a_change_before_the_hello_goes_with_it(self, wire):
        core = ClientCore("a", None, wire.now)
        assert core.subscribe(Inbox(), {"/a": Mode.ALL}).done
        wire.connect(core)
        wire.settle()
        assert wire.broker.routes.match("set", "/a").audience

    def test_a_change_between_hello_and_welcome_is_not_lost(self, wire):
        end = wire.connect(ClientCore("a", None, wire.now))
        end.core.tick(wire.now)
        wire.carry(end, end.core.outgoing.popleft())
        end.subscribe("/late")
        wire.settle()
        assert end.core.joined
        assert wire.broker.routes.match("set", "/late").audience

    def test_pub_only_and_passive_reach_the_routes(self, wire):
        wire.client("pubs", "/a", mode=Mode.PUB_ONLY)
        wire.client("looker", "/a", mode=Mode.PASSIVE)
        found = wire.broker.routes.match("pub", "/a")
        assert [c.client.name for c in found.audience] == ["pubs"]
        assert [c.client.name for c in found.listeners] == ["looker"]
