import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.broker.audit import MAX_BODY, MAX_WAITING, Author, Outcome, Trail, shown_body
from ess_bus.message import Message, Status

ALICE = Author("alice", "pid 71", "fims_send")
ESS = Author("ess", "pid 12", "ess_controller")
START = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Lines:
    """A sink in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.works = True

    def append(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        if self.works:
            self.lines.append(json.loads(line))

    def record(self, line: bytes, timeout_s: float) -> bool:
        assert timeout_s > 0
        self.append(line)
        return self.works

    def statistics(self) -> dict[str, Any]:
        return {"written": len(self.lines)}


@pytest.fixture
def sink() -> Lines:
    return Lines()


@pytest.fixture
def trail(sink) -> Trail:
    return Trail(sink, answer_within_s=60, clock=lambda: START)


def command(uri="/ess/limit", body=b"5", **more) -> Message:
    return Message("set", uri, body, **more)


def answer(uri="/me", **more) -> Message:
    return Message("set", uri, b"5", status=Status.OK, **more)


def delivered(trail: Trail, message: Message, now: float = 0.0) -> str:
    name = trail.receive(message, ALICE)
    assert name is not None
    trail.settle(name, message, ALICE, Outcome.DELIVERED)
    trail.expect(name, message, now)
    return name


class TestRouted:
    def test_a_line_says_when_who_what_and_what_became_of_it(self, trail, sink):
        name = delivered(trail, command(replyto="/me"))
        assert sink.lines == [
            {
                "id": name,
                "time": "2026-05-01T10:00:00.000+00:00",
                "user": "alice",
                "address": "pid 71",
                "process": "fims_send",
                "verb": "set",
                "uri": "/ess/limit",
                "body": "5",
                "replyto": "/me",
                "outcome": "delivered",
            }
        ]

    def test_the_time_has_milliseconds_and_an_offset(self, sink):
        Trail(sink).settle("1", command(), ALICE, Outcome.BUSY)
        moment = datetime.fromisoformat(sink.lines[0]["time"])
        assert moment.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)

    def test_a_reason_is_given(self, trail, sink):
        trail.settle("1", command(), ALICE, Outcome.DENIED, "alice may not")
        assert (sink.lines[0]["outcome"], sink.lines[0]["reason"]) == ("denied", "alice may not")

    def test_a_claim_to_be_somebody_else_is_shown_as_a_claim(self, trail, sink):
        trail.settle("1", command(username="root"), ALICE, Outcome.DELIVERED)
        trail.settle("2", command(username="alice"), ALICE, Outcome.DELIVERED)
        assert (sink.lines[0]["user"], sink.lines[0]["claimed_user"]) == ("alice", "root")
        assert "claimed_user" not in sink.lines[1]

    def test_ids_are_unique_across_restarts(self, sink):
        names = [Trail(sink).receive(command(), ALICE) for _ in range(50)]
        names += [
            name for one in (Trail(sink),) for name in (one.receive(command(), ALICE), one.receive(command(), ALICE))
        ]
        assert len(set(names)) == len(names)


class TestAnswered:
    def test_a_second_line_with_the_same_id_names_who_answered(self, trail, sink):
        name = delivered(trail, command(replyto="/me", token="t"))
        assert trail.answer(answer(token="t"), ESS, Outcome.OK)
        assert sink.lines[1:] == [
            {
                "id": name,
                "time": "2026-05-01T10:00:00.000+00:00",
                "user": "ess",
                "address": "pid 12",
                "process": "ess_controller",
                "outcome": "ok",
            }
        ]

    def test_a_refusal_has_its_reason(self, trail, sink):
        delivered(trail, command(replyto="/me"))
        trail.answer(answer(), ESS, Outcome.REFUSED, "over the limit")
        assert (sink.lines[1]["outcome"], sink.lines[1]["reason"]) == ("refused", "over the limit")

    def test_only_the_first_answer_counts(self, trail, sink):
        delivered(trail, command(replyto="/me"))
        assert trail.answer(answer(), ESS, Outcome.OK)
        assert not trail.answer(answer(), ESS, Outcome.OK)
        assert len(sink.lines) == 2

    def test_tokens_tell_answers_on_one_replyto_apart(self, trail, sink):
        first = delivered(trail, command(replyto="/me", token="1"))
        second = delivered(trail, command(replyto="/me", token="2"))
        assert trail.answer(answer(token="2"), ESS, Outcome.OK)
        assert trail.answer(answer(token="1"), ESS, Outcome.OK)
        assert not trail.answer(answer(token="3"), ESS, Outcome.OK)
        assert [line["id"] for line in sink.lines[2:]] == [second, first]

    def test_an_answer_without_a_token_is_for_the_oldest(self, trail, sink):
        first = delivered(trail, command(replyto="/me", token="1"))
        delivered(trail, command(replyto="/me", token="2"))
        assert trail.answer(answer(), ESS, Outcome.OK)
        assert sink.lines[2]["id"] == first

    def test_a_replyto_is_compared_as_uris_are(self, trail):
        delivered(trail, command(replyto="//me/"))
        assert trail.answer(answer("/me"), ESS, Outcome.OK)

    def test_other_messages_are_no_answers(self, trail, sink):
        assert not trail.answer(answer(), ESS, Outcome.OK)
        delivered(trail, command())
        delivered(trail, command(replyto="/me"))
        assert not trail.answer(answer("/you"), ESS, Outcome.OK)
        assert len(sink.lines) == 2


class TestUnanswered:
    def test_is_said_once_after_the_time(self, trail, sink):
        name = delivered(trail, command(replyto="/me"), now=100.0)
        trail.tick(159.9)
        assert len(sink.lines) == 1
        trail.tick(160.0)
        trail.tick(161.0)
        assert len(sink.lines) == 2
        assert sink.lines[1]["id"] == name
        assert sink.lines[1]["outcome"] == "unanswered"
        assert sink.lines[1]["reason"] == "no answer within 60 s"
        assert not trail.answer(answer(), ESS, Outcome.OK)

    def test_a_replyto_that_is_used_again_keeps_its_later_commands(self, trail, sink):
        first = delivered(trail, command(replyto="/me"), now=0.0)
        second = delivered(trail, command(replyto="/me"), now=30.0)
        trail.tick(60.0)
        assert sink.lines[2]["id"] == first
        trail.answer(answer(), ESS, Outcome.OK)
        assert sink.lines[3]["id"] == second

    def test_a_command_without_a_replyto_waits_for_nothing(self, trail, sink):
        delivered(trail, command())
        trail.tick(1e9)
        assert len(sink.lines) == 1

    def test_memory_is_bounded_and_what_is_given_up_is_said(self, trail, sink):
        for number in range(MAX_WAITING + 3):
            delivered(trail, command(replyto=f"/me/{number}"))
        assert trail.statistics()["unanswered"] == MAX_WAITING
        given_up = [line for line in sink.lines if line["outcome"] == "unanswered"]
        assert [line["id"] for line in given_up] == [line["id"] for line in sink.lines if "uri" in line][:3]
        assert {line["reason"] for line in given_up} == {"too many commands wait for an answer"}


class TestRequired:
    @pytest.fixture
    def trail(self, sink) -> Trail:
        return Trail(sink, required=True)

    def test_the_command_is_in_the_file_before_it_is_routed(self, trail, sink):
        name = trail.receive(command(replyto="/me"), ALICE)
        assert [line["outcome"] for line in sink.lines] == ["received"]
        assert (sink.lines[0]["user"], sink.lines[0]["body"]) == ("alice", "5")
        trail.settle(name, command(), ALICE, Outcome.DELIVERED)
        assert sink.lines[1] == {"id": name, "time": sink.lines[1]["time"], "outcome": "delivered"}

    def test_what_cannot_be_recorded_gets_no_id(self, trail, sink):
        sink.works = False
        assert trail.receive(command(), ALICE) is None
        sink.works = True
        assert trail.receive(command(), ALICE) is not None

    def test_without_the_option_it_goes_on(self, sink):
        sink.works = False
        assert Trail(sink).receive(command(), ALICE) is not None


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (None, {"body": None}),
            (b"", {"body": ""}),
            (b'{"a": "\xc3\xa4\n"}', {"body": '{"a": "ä\n"}'}),
            (b"a\\b", {"body": "a\\b"}),
            (b"a\xffb\\", {"body": "a\\xffb\\\\", "body_escaped": True}),
            (b"\xc3", {"body": "\\xc3", "body_escaped": True}),
        ],
    )
    def test_are_shown_as_text(self, body, expected):
        assert shown_body(body) == expected

    def test_a_long_one_is_cut_and_marked(self):
        shown = shown_body(b"x" * (MAX_BODY + 1))
        assert shown == {"body": "x" * MAX_BODY, "body_size": MAX_BODY + 1}
        assert "body_size" not in shown_body(b"x" * MAX_BODY)

    @pytest.mark.parametrize("offset", range(4))
    def test_a_cut_does_not_split_a_character(self, offset):
        shown = shown_body(b"x" * offset + "😀".encode() * MAX_BODY)
        assert set(shown["body"]) <= {"x", "😀"}
        assert MAX_BODY - 4 < len(shown["body"].encode()) <= MAX_BODY
        assert "body_escaped" not in shown

    @given(st.binary(max_size=64))
    def test_can_be_had_back_from_what_is_shown(self, body):
        shown = shown_body(body)
        text = shown["body"].encode()
        if "body_escaped" in shown:
            text = re.sub(rb"\\(x(..)|\\)", lambda found: bytes.fromhex((found[2] or b"5c").decode()), text)
        assert text == body
