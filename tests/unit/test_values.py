import pytest

from ess_bus.values import assignments, naked


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (None, None),
        ([{"value": 1}], [{"value": 1}]),
        ({"value": 5}, 5),
        ({"value": 5, "enabled": True}, 5),
        ({"value": None}, None),
        ({"value": {"value": 5}}, {"value": 5}),
        ({"soc": 5}, {"soc": 5}),
        ({}, {}),
    ],
)
def test_a_clothed_value_is_undressed_once(value, expected):
    assert naked(value) == expected


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ((), {"soc": 5}, {"soc": 5}),
        ((), {"soc": {"value": 5}}, {"soc": 5}),
        ((), {"soc": 5, "power": {"value": 7, "unit": "kW"}}, {"soc": 5, "power": 7}),
        ((), {"value": 5}, {"value": 5}),
        ((), {"alarms": ["a"]}, {"alarms": ["a"]}),
        (("soc",), 5, {"soc": 5}),
        (("soc",), 0, {"soc": 0}),
        (("soc",), None, {"soc": None}),
        (("soc",), False, {"soc": False}),
        (("soc",), "text", {"soc": "text"}),
        (("soc",), {"value": 5}, {"soc": 5}),
        (("soc",), {"value": 5, "enabled": True}, {"soc": 5}),
        (("soc",), {"soc": 5}, {"soc": 5}),
        (("soc",), {"soc": {"value": 5}}, {"soc": 5}),
        (("soc",), {"value": 5, "soc": 6}, {"soc": 5}),
        (("value",), {"value": 5}, {"value": 5}),
    ],
)
def test_every_legal_shape_assigns(path, body, expected):
    assert assignments(path, body) == expected


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ((), 5, "expected an object"),
        ((), None, "expected an object"),
        ((), [1], "expected an object"),
        ((), {}, "expected an object"),
        (("soc",), {}, 'got an object without "value"'),
        (("soc",), {"power": 5}, 'got an object without "value"'),
        (("soc",), {"soc": 5, "power": 6}, 'got an object without "value"'),
        (("a", "b"), 5, "a/b: expected at most one segment"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(path, body, text):
    with pytest.raises(ValueError, match=text):
        assignments(path, body)
