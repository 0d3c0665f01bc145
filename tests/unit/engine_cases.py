"""What is typed at `remap` and the exact text that comes back, in the manner of the original's tests."""

from __future__ import annotations


def variable(action, *items, value=0, **parameters):
    """Return a definition with one action."""
    return {"value": value, **parameters, "actions": {"onSet": [{action: list(items)}]}}


def uri(name):
    """Return how an action names a variable of the table that the cases are tried in."""
    return f"/controls/bms:{name}"


# A table: definitions, then lines of (what is set, variable that is read, its text).
REMAP = {
    "plain": (
        {"in": variable("remap", {"uri": uri("out")}), "out": 0},
        [
            ({"in": 4}, "out", "4"),
            ({"in": 4.5}, "out", "4.5"),
            ({"in": 4.0}, "out", "4"),
            ({"in": -1e-3}, "out", "-0.001"),
        ],
    ),
    "in and out value": (
        {"in": variable("remap", {"uri": uri("out"), "inValue": 1, "outValue": "one"}, value=0), "out": "none"},
        [({"in": 2}, "out", '"none"'), ({"in": 1}, "out", '"one"'), ({"in": 3}, "out", '"one"')],
    ),
    "not matched": (
        {
            "in": variable("remap", {"uri": uri("out"), "inValue": 1, "outValue": "yes", "outNValue": "no"}),
            "out": "none",
        },
        [({"in": 1}, "out", '"yes"'), ({"in": 2}, "out", '"no"')],
    ),
    "in and out variables": (
        {
            "wanted": 7,
            "given": {"value": 3, "unit": "V"},
            "other": 9,
            "in": variable(
                "remap", {"uri": uri("out"), "inVar": uri("wanted"), "outVar": uri("given"), "outNVar": uri("other")}
            ),
            "out": 0,
        },
        [
            ({"in": 7}, "out", "3"),
            ({"in": 8}, "out", "9"),
            ({"wanted": 8, "in": 8}, "out", "3"),
            ({"wanted": None, "in": 8}, "out", "null"),
        ],
    ),
    "parameters": (
        {
            "limit": {"value": 1, "high": 40},
            "in": variable(
                "remap", {"uri": uri("out") + "@seen", "outVar": uri("limit") + "@high"}, {"uri": uri("flag@on")}
            ),
            "out": 5,
            "flag": 0,
        },
        [({"in": 2}, "out@seen", "40"), ({}, "out", "5"), ({}, "flag@on", "2")],
    ),
    "another input": (
        {
            "real": {"value": 11, "share": 0.5},
            "in": variable(
                "remap", {"uri": uri("out"), "inAv": uri("real")}, {"uri": uri("part"), "inAv": uri("real@share")}
            ),
        },
        [({"in": 1}, "out", "11"), ({}, "part", "0.5"), ({"real": 12, "in": 1}, "out", "12")],
    ),
    "scale and offset": (
        {"in": variable("remap", {"uri": uri("out"), "scale": 0.1, "offset": 5})},
        [({"in": 100}, "out", "5"), ({"in": 101}, "out", "5.100000000000001")],
    ),
    "enable": (
        {
            "gate": False,
            "in": variable(
                "remap",
                {"uri": uri("out"), "enable": uri("gate")},
                {"uri": uri("off"), "enabled": False},
                {"uri": uri("both"), "enable": True, "enabled": False},
            ),
            "out": 0,
            "off": 0,
            "both": 0,
        },
        [
            ({"in": 1}, "out", "0"),
            ({"gate": True, "in": 1}, "out", "1"),
            ({}, "off", "0"),
            ({}, "both", "1"),
            ({"gate": None, "in": 2}, "out", "1"),
        ],
    ),
    "if changed": (
        {"count": 0, "in": variable("remap", {"uri": uri("out"), "ifChanged": True}, value=5), "out": 0},
        [({"in": 5}, "out", "0"), ({"in": 6}, "out", "6"), ({"out": 0, "in": 6}, "out", "0")],
    ),
    "another input that has changed": (
        {"real": 1, "in": variable("remap", {"uri": uri("out"), "inAv": uri("real"), "ifChanged": True})},
        [({"out": 0, "in": 1}, "out", "0"), ({"real": 2, "in": 1}, "out", "2"), ({"out": 0, "in": 1}, "out", "0")],
    ),
    "passed over": (
        {
            "bad": 9,
            "in": variable(
                "remap", {"uri": uri("out"), "ignoreValue": 7}, {"uri": uri("other"), "ignoreVar": uri("bad")}
            ),
        },
        [
            ({"in": 1}, "out", "1"),
            ({"in": 7}, "out", "1"),
            ({}, "other", "7"),
            ({"in": 9}, "other", "7"),
            ({"bad": None, "in": 9}, "other", "null"),
        ],
    ),
    "bits": (
        {
            "a": variable("remap", {"uri": uri("word[0]")}, value=False),
            "b": variable("remap", {"uri": uri("word[4]")}, value=False),
            "word": 0,
        },
        [
            ({"a": True}, "word", "1"),
            ({"b": True}, "word", "17"),
            ({"a": False}, "word", "16"),
            ({}, "word[4]", "true"),
            ({}, "word[0]", "false"),
            ({"a": None}, "word", "null"),
            ({}, "word[0]", "null"),
            ({}, "word[4]", "true"),
            ({"b": False}, "word", "null"),
            ({"a": True}, "word", "1"),
        ],
    ),
    "itself, directly": (
        {
            "in": variable(
                "remap",
                {"inValue": True, "outValue": False, "uri": uri("in"), "useAv": True},
                {"uri": uri("seen")},
                value=False,
            )
        },
        [({"in": True}, "in", "false")],
    ),
    "without its actions, and with them": (
        {
            "quiet": variable("remap", {"uri": uri("mid"), "useAv": True}),
            "loud": variable("remap", {"uri": uri("mid"), "useSet": True}),
            "mid": variable("remap", {"uri": uri("end"), "ifChanged": True}),
            "end": 0,
        },
        [({"quiet": 3}, "mid", "3"), ({}, "end", "0"), ({"loud": 3}, "end", "3")],
    ),
    "a pulse that resets itself": (
        {
            "button": variable("remap", {"inValue": True, "uri": uri("cmd"), "outValue": True}, value=False),
            "cmd": variable(
                "remap",
                {"inValue": True, "uri": uri("count"), "outValue": 1},
                {"inValue": True, "uri": uri("button"), "outValue": False},
                value=False,
            ),
        },
        [({"button": True}, "button", "false"), ({}, "cmd", "true"), ({}, "count", "1")],
    ),
    "variables that are switched off": (
        {
            "gate": False,
            "one": variable("remap", {"uri": uri("out")}, enabled=False),
            "two": variable("remap", {"uri": uri("out")}, enable=uri("gate")),
            "three": variable("remap", {"uri": uri("out")}, ifChanged=True),
            "four": variable("remap", {"uri": uri("out")}, ifChanged=True, resetChange=False),
            "out": 77,
        },
        [
            ({"one": 1}, "out", "77"),
            ({"one": {"value": 1, "enabled": True}}, "out", "1"),
            ({"two": 2}, "out", "1"),
            ({"gate": 1, "two": 2}, "out", "2"),
            ({"three": 3}, "out", "3"),
            ({"out": 0, "three": 3}, "out", "0"),
            ({"four": 4}, "out", "4"),
            ({"out": 0, "four": 4}, "out", "4"),
        ],
    ),
}
