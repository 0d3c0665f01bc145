"""Line assembly, prefixes and colours."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.output import wants_colours
from tools.ess_site.output import Lines, Output, ProcessStream


class Terminal(io.BytesIO):
    def isatty(self):
        return True


def test_a_line_is_held_back_until_it_ends():
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"]
    assert lines.feed(b"o") == []
    assert lines.feed(b"\r\n\n") == [b"two", b""]
    assert lines.rest() == []


def test_the_rest_is_given_once():
    lines = Lines()
    lines.feed(b"last words")
    assert lines.rest() == [b"last words"]
    assert lines.rest() == []


def test_a_line_that_never_ends_is_given_in_pieces():
    lines = Lines()
    pieces = [piece for _ in range(100) for piece in lines.feed(b"x" * 1024)]
    assert 0 < len(pieces) < 3
    assert sum(map(len, pieces + lines.rest())) == 100 * 1024


@given(st.lists(st.binary(max_size=20)))
def test_pieces_make_the_same_lines_as_the_whole(pieces):
    lines, whole = Lines(), Lines()
    given_lines = [line for piece in pieces for line in lines.feed(piece)] + lines.rest()
    assert given_lines == whole.feed(b"".join(pieces)) + whole.rest()


def test_names_are_padded_to_the_longest():
    stream = io.BytesIO()
    output = Output(stream, ["a", "a_long_name"], colours=False)
    output.lines("a", [b"one", b"two"])
    output.lines("a_long_name", [b"\xff three"])
    output.own("four")
    output.plain("site up")
    assert stream.getvalue().splitlines() == [
        b"a           | one",
        b"a           | two",
        b"a_long_name | \xff three",
        b"ess_site    | four",
        b"site up",
    ]


def test_only_the_prefix_is_coloured_and_each_name_in_its_own_colour():
    stream = io.BytesIO()
    output = Output(stream, ["a", "b"], colours=True)
    for name in ("a", "b"):
        output.lines(name, [b"text"])
    output.own("text")
    first, second, own = stream.getvalue().splitlines()
    assert first.startswith(b"\033[")
    assert first.endswith(b"\033[0mtext")
    assert first.split(b"m")[0] != second.split(b"m")[0]
    assert own == b"ess_site | text"


@pytest.mark.parametrize(
    ("stream", "no_color", "expected"),
    [(Terminal(), None, True), (Terminal(), "1", False), (Terminal(), "", True), (io.BytesIO(), None, False)],
)
def test_colours_only_on_a_terminal_that_wants_them(monkeypatch, stream, no_color, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert wants_colours(stream) is expected


def test_a_reader_that_left_is_noted_and_does_not_raise():
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        output = Output(stream, ["a"], colours=False)
        output.own("one")
        os.close(reader)
        assert not output.lost
        output.own("two")
        assert output.lost
        output.own("three")


def test_a_process_stream_prints_whole_lines_and_at_the_end_the_rest():
    stream = io.BytesIO()
    one = ProcessStream(Output(stream, ["a"], colours=False), "a")
    one({"data": b"hel", "pid": 1, "name": "stdout"})
    assert stream.getvalue() == b""
    one({"data": b"lo\nbye", "pid": 1, "name": "stdout"})
    assert stream.getvalue() == b"a        | hello\n"
    one.close()
    assert stream.getvalue().splitlines()[-1] == b"a        | bye"
