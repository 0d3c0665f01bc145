import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.errors import EssError, UriError
from ess_bus.uri import MAX_LENGTH, MAX_SEGMENTS, check, is_under, normal, relative, segments

names = st.text(st.characters(exclude_characters="/", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=5)
paths = st.lists(names, max_size=6)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/", ()),
        ("//", ()),
        ("/a", ("a",)),
        ("/a/b/c", ("a", "b", "c")),
        ("/a//b/", ("a", "b")),
        ("///a///", ("a",)),
        ("/a b/ü", ("a b", "ü")),
    ],
)
def test_segments_are_the_parts_between_slashes(uri, expected):
    assert segments(uri) == expected


@pytest.mark.parametrize(
    ("uri", "prefix", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b/c", "/a/b", True),
        ("/a/bc", "/a/b", False),
        ("/a", "/a/b", False),
        ("/b/a", "/a", False),
        ("/anything/at/all", "/", True),
        ("/", "/", True),
        ("//", "/", True),
        ("/", "/a", False),
        ("//a///b/", "/a/b", True),
        ("/a/b", "//a//", True),
        ("/A", "/a", False),
    ],
)
def test_a_prefix_covers_whole_segments_only(uri, prefix, expected):
    assert is_under(uri, prefix) is expected


def test_relative_gives_the_rest_or_none():
    assert relative("/a/b/c", "/a") == ("b", "c")
    assert relative("/a//b/", "/a/b") == ()
    assert relative("/a", "/b") is None


@given(paths, paths)
def test_everything_below_a_prefix_is_under_it_and_nothing_else_is(head, rest):
    uri, prefix = "/" + "/".join(head + rest), "/" + "/".join(head)
    assert relative(uri, prefix) == tuple(rest)
    assert is_under(prefix, uri) is (not rest)


@given(paths, st.integers(1, 3))
def test_repeated_and_trailing_slashes_do_not_count(parts, slashes):
    sloppy = "/" * slashes + ("/" * slashes).join(parts) + "/" * slashes
    assert segments(sloppy) == tuple(parts)
    assert normal(sloppy) == "/" + "/".join(parts)


@pytest.mark.parametrize("uri", ["/", "//", "/a", "/a/b_c-d.e/0", "/a b", "/ü/日本", "/a:b@c$[1]"])
def test_what_the_bus_can_route_is_returned_unchanged(uri):
    assert check(uri) == uri


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "must start with '/'"),
        ("a/b", "must start with '/'"),
        (" /a", "must start with '/'"),
        ("/a\0b", "control characters"),
        ("/a\nb", "control characters"),
        ("/a\tb", "control characters"),
        ("/a\x1fb", "control characters"),
        ("/a\x7f", "control characters"),
        ("/\udcff", "not valid Unicode"),
        ("/" + "a" * 255, "256 bytes are over the limit of 255"),
        ("/" + "ü" * 128, "257 bytes are over the limit of 255"),
        ("/a" * 64, "64 segments are over the limit of 63"),
    ],
)
def test_what_cannot_be_routed_is_refused_with_the_reason(uri, reason):
    with pytest.raises(UriError, match=reason) as caught:
        check(uri)
    assert caught.value.uri == uri
    assert reason in caught.value.reason
    assert isinstance(caught.value, EssError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_the_limits_themselves_are_allowed():
    assert check("/" + "a" * (MAX_LENGTH - 1))
    assert check("/a" * MAX_SEGMENTS)
    assert check("/ü" + "a" * (MAX_LENGTH - 3))
    assert check("/a" * MAX_SEGMENTS + "////")


@given(st.text(max_size=300))
def test_a_checked_uri_keeps_the_promises_that_frames_rest_on(uri):
    try:
        check("/" + uri)
    except UriError:
        return
    encoded = ("/" + uri).encode()
    assert b"\0" not in encoded
    assert len(encoded) <= MAX_LENGTH
