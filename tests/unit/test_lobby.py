import pytest

from ess_bus.broker import lobby as module
from ess_bus.broker.lobby import MAX_BYTES, MAX_FRAMES, MAX_PEERS, PATIENCE_S, Lobby


@pytest.fixture
def lobby() -> Lobby:
    return Lobby()


def test_the_first_frame_of_a_connection_is_news_and_the_next_is_not(lobby):
    assert lobby.admit(b"p", b"one", 0.0) is True
    assert lobby.admit(b"p", b"two", 0.0) is False
    assert lobby.admit(b"q", b"one", 0.0) is True


def test_a_first_frame_that_is_too_large_is_news_all_the_same(lobby):
    assert lobby.admit(b"p", b"x" * (MAX_BYTES + 1), 0.0) is True
    assert lobby.admit(b"p", b"small", 0.0) is False
    assert lobby.dropped == 1
    assert lobby.release(b"p") == [b"small"]


def test_frames_are_released_in_order_and_once(lobby):
    for frame in (b"1", b"2", b"3"):
        lobby.admit(b"p", frame, 0.0)
    assert lobby.release(b"p") == [b"1", b"2", b"3"]
    assert lobby.release(b"p") == []
    assert lobby.release(b"unheard of") == []
    assert lobby.dropped == 0


def test_frames_per_connection_are_bounded_and_the_rest_is_counted(lobby):
    for number in range(MAX_FRAMES + 7):
        lobby.admit(b"p", b"%d" % number, 0.0)
    assert lobby.dropped == 7
    assert len(lobby.release(b"p")) == MAX_FRAMES


def test_bytes_per_connection_are_bounded(lobby):
    half = b"x" * (MAX_BYTES // 2)
    for _ in range(3):
        lobby.admit(b"p", half, 0.0)
    assert lobby.dropped == 1
    assert sum(map(len, lobby.release(b"p"))) <= MAX_BYTES


def test_connections_are_bounded(lobby):
    for number in range(MAX_PEERS):
        assert lobby.admit(b"%d" % number, b"x", 0.0)
    assert lobby.admit(b"one more", b"x", 0.0) is False
    assert lobby.dropped == 1
    lobby.release(b"0")
    assert lobby.admit(b"one more", b"x", 0.0) is True


def test_who_never_says_hello_is_dropped_and_counted(lobby):
    lobby.admit(b"p", b"1", 0.0)
    lobby.admit(b"p", b"2", PATIENCE_S)
    lobby.admit(b"q", b"1", PATIENCE_S)
    assert lobby.expire(PATIENCE_S) == [b"p", b"q"]
    assert lobby.expire(PATIENCE_S + 0.1) == [b"q"]
    assert lobby.dropped == 2
    assert lobby.release(b"p") == []


def test_a_second_frame_keeps_nobody_in_the_lobby(lobby):
    for second in range(20):
        lobby.admit(b"p", b"x", float(second))
        lobby.expire(float(second))
    assert lobby.dropped >= 10


def test_the_bounds_are_what_the_documentation_of_the_module_promises():
    assert module.__doc__ is not None
    assert MAX_PEERS * MAX_BYTES <= 1 << 30
