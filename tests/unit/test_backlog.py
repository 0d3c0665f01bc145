"""What waits for a client that does not read, against a model that is simple and slow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus import batch
from ess_bus.broker.backlog import Backlog

MOST, MOST_BYTES = 8, 1000


def pub(uri: str, text: str = "", size: int = 0) -> bytes:
    return f"pub {uri}\0{text}".encode().ljust(size, b".")


def command(text: str = "", size: int = 0, verb: str = "set") -> bytes:
    return f"{verb} /c\0{text}".encode().ljust(size, b".")


def is_pub(frame: bytes) -> bool:
    return frame.startswith(b"pub ")


def contents(backlog: Backlog) -> list[bytes]:
    """Take everything out."""
    found: list[bytes] = []
    while backlog:
        frame, taken = backlog.take()
        assert frame == batch.pack(taken)
        assert taken
        found += taken
    assert (len(backlog), backlog.size, backlog.fill) == (0, 0, 0)
    return found


@pytest.fixture
def backlog() -> Backlog:
    return Backlog(MOST, MOST_BYTES)


def test_what_fits_waits_in_order_whatever_it_is(backlog):
    frames = [pub("/a", "1"), command("2"), pub("/a", "3"), b"!ping\0", pub("/b", "4"), command("5", verb="reply")]
    assert backlog.extend(frames[:4]) == 0
    assert backlog.extend(frames[4:]) == 0
    assert (len(backlog), backlog.size) == (6, sum(map(len, frames)))
    assert not backlog.is_full
    assert contents(backlog) == frames


def test_at_the_bound_nothing_goes_and_one_beyond_only_the_newest_pub_of_each_uri_stays(backlog):
    frames = [pub(f"/{number % 2}", str(number)) for number in range(MOST)]
    assert backlog.extend(frames) == 0
    assert len(backlog) == MOST
    assert backlog.extend([pub("/2", "8")]) == MOST - 2
    assert contents(backlog) == [*frames[-2:], pub("/2", "8")]


def test_the_bound_in_bytes_counts_as_much(backlog):
    frames = [pub("/a", str(number), MOST_BYTES // 2) for number in range(2)]
    assert backlog.extend(frames) == 0
    assert backlog.extend([pub("/a", "2")]) == 2
    assert contents(backlog) == [pub("/a", "2")]


def test_from_then_on_pubs_replace_older_ones_until_nothing_waits(backlog):
    backlog.extend([pub("/a", str(number)) for number in range(MOST + 1)])
    assert len(backlog) == 1
    assert backlog.extend([pub("/a", "new"), pub("/b")]) == 1
    assert contents(backlog) == [pub("/a", "new"), pub("/b")]
    assert backlog.extend([pub("/a", "1"), pub("/a", "2")]) == 0
    assert len(backlog) == 2


def test_a_pub_that_replaces_another_goes_behind_what_came_between(backlog):
    backlog.extend([pub("/a", str(number)) for number in range(MOST + 1)])
    backlog.extend([command("between"), pub("/a", "last")])
    assert contents(backlog) == [command("between"), pub("/a", "last")]


def test_uris_of_another_text_are_others(backlog):
    backlog.extend([pub(uri, str(number)) for number in range(5) for uri in ("/a", "//a")])
    assert contents(backlog) == [pub("/a", "4"), pub("//a", "4")]


def test_with_too_many_uris_the_oldest_pubs_go_and_commands_stay(backlog):
    backlog.extend([pub("/0"), command("1"), *(pub(f"/{number}") for number in range(2, MOST))])
    assert backlog.extend([pub("/8"), pub("/9")]) == 2
    assert contents(backlog) == [command("1"), *(pub(f"/{number}") for number in range(3, 10))]


def test_commands_alone_fill_it_and_are_never_dropped(backlog):
    frames = [command(str(number)) for number in range(MOST + 1)]
    assert backlog.extend([pub("/a"), *frames]) == 1
    assert backlog.is_full
    assert backlog.extend([command("promised in the same burst"), pub("/a"), b"!ping\0"]) == 1
    assert len(backlog) == MOST + 2
    assert backlog.take()[1] == [*frames, command("promised in the same burst")]
    assert not backlog.is_full


def test_a_frame_that_is_larger_than_the_bound(backlog):
    assert backlog.extend([pub("/a", size=MOST_BYTES + 1)]) == 1
    assert len(backlog) == 0
    assert backlog.extend([command(size=MOST_BYTES + 1)]) == 0
    assert backlog.is_full
    assert len(contents(backlog)) == 1
    assert not backlog.is_full


def test_how_full_it_is(backlog):
    assert backlog.fill == 0
    backlog.extend([pub("/a")] * (MOST // 2))
    assert backlog.fill == 0.5
    backlog.extend([pub("/a", size=MOST_BYTES - backlog.size)])
    assert backlog.fill == 1


class Model:
    """The rule as it is written down, in as few words as possible."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.is_conflating = self.is_full = False

    def is_over(self) -> bool:
        return len(self.frames) > MOST or sum(map(len, self.frames)) > MOST_BYTES

    def extend(self, frames: list[bytes]) -> None:
        self.frames += [frame for frame in frames if not (self.is_full and frame.startswith(b"!"))]
        self.is_conflating |= self.is_over()
        if self.is_conflating:
            newest = {frame.split(b"\0")[0]: index for index, frame in enumerate(self.frames)}
            self.frames = [
                frame
                for index, frame in enumerate(self.frames)
                if not is_pub(frame) or newest[frame.split(b"\0")[0]] == index
            ]
        while self.is_over() and any(map(is_pub, self.frames)):
            self.frames.remove(next(filter(is_pub, self.frames)))
        self.is_full = self.is_over()

    def take(self, count: int) -> list[bytes]:
        taken, self.frames = self.frames[:count], self.frames[count:]
        self.is_full = self.is_over()
        self.is_conflating &= bool(self.frames)
        return taken


kinds = st.sampled_from(["pub /a", "pub /b", "pub /b/c", "pub /d", "set /a", "reply /me", "get /x", "!ping"])
bursts = st.lists(st.tuples(kinds, st.sampled_from([0, 0, 0, 40, 150, 400, 1100])), max_size=12)
# A burst to add, or None to take a batch.
steps = st.lists(st.none() | bursts, max_size=25)


@settings(max_examples=300)
@given(steps)
def test_it_does_what_the_rule_says(done):
    backlog, model, number = Backlog(MOST, MOST_BYTES), Model(), 0
    arrived, left, dropped = [], [], 0
    for step in done:
        if step is not None:
            frames = []
            for kind, size in step:
                number += 1
                frames.append(f"{kind}\0{number:06}".encode().ljust(size, b"."))
            arrived += [frame for frame in frames if not (backlog.is_full and frame.startswith(b"!"))]
            model.extend(frames)
            dropped += backlog.extend(frames)
        elif backlog:
            taken = backlog.take()[1]
            assert taken == model.take(len(taken))
            left += taken
        assert (len(backlog), backlog.size) == (len(model.frames), sum(map(len, model.frames)))
        assert backlog.is_full is model.is_full
        # The bounds hold, but for commands.
        assert backlog.is_full or (len(backlog) <= MOST and backlog.size <= MOST_BYTES)
        # The counts add up.
        assert len(arrived) == len(left) + dropped + len(backlog)
    left += contents(backlog)
    # The order is kept, and what is missing are pubs alone.
    places = [arrived.index(frame) for frame in left]
    assert places == sorted(places)
    assert all(map(is_pub, set(arrived) - set(left)))


@settings(max_examples=200)
@given(st.lists(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=10), max_size=10))
def test_of_pubs_that_wait_together_none_is_lost_but_for_a_newer_one_or_because_it_is_the_oldest(done):
    backlog = Backlog(MOST, MOST_BYTES)
    sent: list[bytes] = []
    for burst in done:
        frames = [
            pub(f"/{place}", f"{len(sent) + index:06}") if is_a_pub else command(f"{len(sent) + index:06}")
            for index, (place, is_a_pub) in enumerate(burst)
        ]
        sent += frames
        backlog.extend(frames)
    is_full = backlog.is_full
    left = contents(backlog)
    lost = [frame for frame in sent if frame not in left]
    newest = {frame.split(b"\0")[0]: frame for frame in sent}
    kept_pubs = [sent.index(frame) for frame in left if is_pub(frame)]
    for frame in lost:
        is_replaced = newest[frame.split(b"\0")[0]] != frame
        is_oldest = all(sent.index(frame) < place for place in kept_pubs)
        assert is_pub(frame)
        assert is_replaced or is_oldest
    if not is_full and len(sent) <= MOST:
        assert left == sent
