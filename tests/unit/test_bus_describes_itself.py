"""Broker core and client cores together: `/bus` and `/processes/NAME`."""

import msgpack
import pytest

from ess_bus import control
from ess_bus.broker.core import Broker
from ess_bus.broker.outbox import Delivery
from ess_bus.control import Mode, Verb
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message, encode
from tests.wire import End, Wire, ask, outcome


class TestBroker:
    def test_stats_say_what_happened(self, wire):
        end = wire.client("a")
        end.send("pub", "/nobody", 1)
        stats = ask(wire, end, "/bus/stats")
        assert stats["clients"] == 1
        assert stats["pubs_unheard"] == 1
        assert stats["messages"] == 2
        assert stats["protocol_errors"] == stats["dropped"] == stats["unknown_dropped"] == 0

    def test_clients_say_who_is_there(self, wire):
        end = wire.client("a", "/a", username="me")
        wire.client("b", "/b", mode=Mode.PUB_ONLY)
        wire.advance(2)
        one, two = ask(wire, end, "/bus/clients")
        assert (one["name"], one["user"], one["lagging"], one["dropped"]) == ("a", "me", False, 0)
        assert one["connected_s"] == pytest.approx(2.0)
        assert one["subscriptions"]["/a"] == "all"
        assert two["subscriptions"]["/b"] == "pub"

    def test_subscriptions_say_who_listens_where(self, wire):
        end = wire.client("a", "/x//y/")
        wire.client("b", "/x/y", "/")
        found = ask(wire, end, "/bus/subscriptions")
        assert found["/x/y"] == ["a", "b"]
        assert found["/"] == ["b"]

    @pytest.mark.parametrize("uri", ["/bus", "/bus/", "//bus"])
    def test_everything_at_once(self, wire, uri):
        assert set(ask(wire, wire.client("a"), uri)) == {"clients", "stats", "subscriptions", "version"}

    @pytest.mark.parametrize(
        ("method", "uri"),
        [
            ("get", "/bus/nothing"),
            ("get", "/bus/stats/dropped"),
            ("set", "/bus/stats"),
            ("del", "/bus"),
            ("post", "/bus"),
        ],
    )
    def test_what_it_does_not_answer_is_refused(self, wire, method, uri):
        with pytest.raises(Refused, match="not something the broker answers"):
            outcome(wire, wire.client("a").request(method, uri))

    def test_a_neighbour_of_its_uris_is_not_its_own(self, wire):
        with pytest.raises(NoOneListening):
            outcome(wire, wire.client("a").request("get", "/business"))

    def test_a_get_of_it_without_a_replyto_is_harmless(self, wire):
        end = wire.client("a")
        end.send("get", "/bus/stats")
        assert end.take() == []

    def test_a_garbled_get_of_it_is_an_error_for_the_sender_only(self, wire):
        end, other = wire.client("a"), wire.client("b", "/")
        wire.carry(end, b"get /bus/stats\0garbage")
        bad_replyto = msgpack.packb(("x\0y", "p", None, None, None, None))
        wire.carry(end, b"get /bus/stats\0" + bad_replyto)
        assert wire.control_verbs(end) == [Verb.ERROR, Verb.ERROR]
        assert other.take() == []
        assert other.core.garbage == 0

    def test_a_ping_is_answered_with_its_number(self, wire):
        end = wire.client("a")
        wire.carry(end, control.encode(Verb.PING, 41))
        assert control.decode(end.queue[-1]) == (Verb.PONG, (41,))

    def test_it_never_waits_for_who_asked_to_be_described(self):
        broker = Broker(lambda _peer, _frame: Delivery.FULL)
        broker.receive(b"p", control.encode(Verb.HELLO, 2, "n", "u", 1, "", ()), 0.0)
        broker.receive(b"p", encode(Message("get", "/bus/stats", None, "/r", "n")), 0.0)
        broker.flush(0.0)
        broker.tick(1.0)
        assert broker.clients[b"p"].name == "n"


class TestProcesses:
    def announced(self, wire: Wire) -> End:
        end = wire.client("modbus_client@bms_1")
        outcome(wire, end.core.announce({"name": "modbus_client@bms_1", "devices": 2}))
        return end

    def test_an_announced_process_answers_for_itself(self, wire):
        self.announced(wire)
        assert ask(wire, wire.client("a"), "/processes/modbus_client@bms_1")["devices"] == 2

    def test_a_process_that_was_not_announced_does_not(self, wire):
        wire.client("modbus_client@bms_1")
        with pytest.raises(NoOneListening):
            ask(wire, wire.client("a"), "/processes/modbus_client@bms_1")

    def test_the_program_never_sees_these_requests(self, wire):
        end = self.announced(wire)
        ask(wire, wire.client("a"), "/processes/modbus_client@bms_1")
        assert end.take() == []

    def test_it_answers_again_after_a_restart_of_the_broker(self, wire):
        self.announced(wire)
        asker = wire.client("a")
        wire.restart_broker()
        wire.advance(3)
        assert ask(wire, asker, "/processes/modbus_client@bms_1")["devices"] == 2

    def test_a_request_with_a_replyto_that_cannot_be_routed_does_not_hurt_it(self, wire):
        end, sender = self.announced(wire), wire.client("a")
        packed = msgpack.packb(("no-slash", "p", None, None, None, None))
        wire.carry(sender, b"get /processes/modbus_client@bms_1\0" + packed)
        wire.settle()
        assert end.core.garbage == 1
