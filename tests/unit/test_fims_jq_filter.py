"""Filters: what is printed is what jq itself would print."""

import pytest

from tools.fims.jq_filter import Filter


@pytest.mark.parametrize(
    ("text", "document", "expected"),
    [
        (".", b"5", [b"5"]),
        (".a", b'{"a": "x"}', [b'"x"']),
        (".", b'{"a": 1, "b": [1, 2]}', [b'{"a":1,"b":[1,2]}']),
        (".[]", b"[1, 1.0, 1.10, null, true]", [b"1", b"1.0", b"1.10", b"null", b"true"]),
        (".", b"12345678901234567890123", [b"12345678901234567890123"]),
        (".", b'"\\u00fc \xc3\xbc\\n"', ['"ü ü\\n"'.encode()]),
        ("empty", b"1", []),
        (".a | values", b'{"a": null}', []),
        (".a", b'{"a": 1} {"a": 2}', [b"1", b"2"]),
        ("def double: . * 2; double # a comment", b"21", [b"42"]),
        ('"a", "b"', b"null", [b'"a"', b'"b"']),
        (".", b"", []),
    ],
)
def test_one_result_a_line(text, document, expected):
    assert list(Filter(text).lines(document)) == expected


@pytest.mark.parametrize(
    ("document", "expected"), [(b'"x y"', b"x y"), (b'["x"]', b'["x"]'), (b"1.0", b"1.0"), (b'"a\\nb"', b"a\nb")]
)
def test_raw_strings_have_no_quotes(document, expected):
    assert list(Filter(".", raw=True).lines(document)) == [expected]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (".[", "syntax error, unexpected end of file at line 1, column 2"),
        (".a) | (.b", "syntax error, unexpected INVALID_CHARACTER, expecting end of file at line 1, column 3"),
        ("nonsense", "nonsense/0 is not defined at line 1, column 1"),
        ("", "Top-level program not given"),
        ("\udcff", "surrogates not allowed"),
    ],
)
def test_a_bad_filter_is_said_in_one_line(text, reason):
    with pytest.raises(ValueError, match="bad filter") as caught:
        Filter(text)
    assert str(caught.value).startswith(f"bad filter {text!r}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"nonsense", "not JSON: Invalid numeric literal at EOF at line 1, column 8"),
        (b"\xff", "not JSON: it is not UTF-8"),
        (b"[1,", "not JSON: Unfinished JSON term at EOF at line 1, column 3"),
        (b"5", 'Cannot index number with string ("a")'),
    ],
)
def test_what_a_filter_cannot_be_applied_to(document, reason):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its whole text is compared
        list(Filter(".a").lines(document))
    assert str(caught.value) == reason


def test_results_before_a_failure_are_given():
    results = Filter(".[] | .a").lines(b'[{"a": 1}, 2]')
    assert next(results) == b"1"
    with pytest.raises(ValueError, match="Cannot index number"):
        next(results)
