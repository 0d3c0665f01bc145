"""What is typed at an engine's actions and the exact text that must come back, in the manner of the original's tests."""

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
ENUM = {
    "whole values": (
        {
            "in": variable(
                "enum",
                {"uri": uri("out"), "inValue": 1, "outValue": "Off"},
                {"uri": uri("out"), "inValue": 2, "outValue": "On"},
                {"uri": uri("out"), "inValue": "two", "outValue": "On"},
            ),
            "out": "none",
        },
        [
            ({"in": 1}, "out", '"Off"'),
            ({"in": 3}, "out", '"Off"'),
            ({"in": 2}, "out", '"On"'),
            ({"in": None}, "out", "null"),
        ],
    ),
    "masks and shifts": (
        {
            "in": variable(
                "enum",
                *(
                    {"mask": 3, "shift": 0, "uri": uri("low"), "inValue": value, "outValue": f"low {value}"}
                    for value in range(4)
                ),
                *(
                    {"mask": 3, "shift": 2, "uri": uri("high"), "inValue": value, "outValue": f"high {value}"}
                    for value in range(4)
                ),
            )
        },
        [({"in": 0b1001}, "low", '"low 1"'), ({}, "high", '"high 2"'), ({"in": 0b10011}, "high", '"high 0"')],
    ),
    "a range": (
        {
            "in": variable(
                "enum",
                {"uri": uri("out"), "useRange": True, "inValue": 10, "inValue+": 5, "inValue-": 1, "outValue": "near"},
                {"uri": uri("out"), "useRange": True, "inValue": 100, "inValue+": 0, "inValue-": 50, "outValue": "far"},
            ),
            "out": "?",
        },
        [
            ({"in": 8.9}, "out", '"?"'),
            ({"in": 9}, "out", '"near"'),
            ({"in": 50}, "out", '"far"'),
            ({"in": 15}, "out", '"near"'),
        ],
    ),
    "a default": (
        {
            "in": variable(
                "enum", {"uri": uri("out"), "inValue": 1, "outValue": "one", "defUri": uri("out"), "defVal": "other"}
            ),
            "by": variable(
                "enum", {"uri": uri("two"), "inValue": 1, "outValue": "one"}, defUri=uri("two"), defVal="other"
            ),
        },
        [
            ({"in": 1}, "out", '"one"'),
            ({"in": 2}, "out", '"other"'),
            ({"by": 2}, "two", '"other"'),
            ({"by": 1}, "two", '"one"'),
        ],
    ),
    "not matched": (
        {"in": variable("enum", {"uri": uri("out"), "mask": 1, "inValue": 1, "outValue": True, "outNValue": False})},
        [({"in": 5}, "out", "true"), ({"in": 4}, "out", "false")],
    ),
    "a function on a match": (
        {"in": variable("enum", {"inValue": 3, "func": "TestTriggerFunc"}, triggered=0)},
        [({"in": 1}, "in@triggered", "0"), ({"in": 3}, "in@triggered", "1"), ({"in": None}, "in@triggered", "1")],
    ),
}
BITS = {
    "bitfield": (
        {
            "in": variable(
                "bitfield",
                {"bit": 0, "uri": uri("first"), "outValue": True},
                {"bit": 9, "uri": uri("tenth"), "outValue": "ten"},
                {"bit": 1, "uri": uri("bare")},
                {"bit": 31, "uri": uri("last"), "outValue": 1, "outNValue": 0},
            ),
            "first": False,
            "tenth": "",
            "last": 7,
        },
        [
            ({"in": 1}, "first", "true"),
            ({}, "tenth", '""'),
            ({"in": 512}, "tenth", '"ten"'),
            ({}, "first", "true"),
            ({"in": 2}, "bare", "true"),
            ({"in": 2**31}, "last", "1"),
            ({"in": 0}, "last", "0"),
            ({"in": None}, "first", "null"),
        ],
    ),
    "bitset": (
        {
            "one": variable("bitset", {"bit": 1, "uri": "/controls/bms", "var": "word"}, value=False),
            "four": variable("bitset", {"bit": 4, "uri": uri("word")}, value=0),
            "top": variable("bitset", {"bit": 32, "uri": uri("word")}, value=False),
            "word": 0,
        },
        [
            ({"one": True}, "word", "1"),
            ({"four": 5}, "word", "9"),
            ({"one": False}, "word", "8"),
            ({"top": True}, "word", "2147483656"),
            ({"top": None}, "word", "null"),
            ({"top": False}, "word", "8"),
        ],
    ),
    "bitset, one at a time": (
        {
            "none": variable("bitset", {"bit": 0, "uri": uri("word"), "soloBit": True}, value=False),
            "one": variable("bitset", {"bit": 1, "uri": uri("word"), "soloBit": True}, value=False),
            "three": variable("bitset", {"bit": 3, "uri": uri("word"), "soloBit": True}, value=False),
            "word": 240,
        },
        [({"one": True}, "word", "1"), ({"three": True}, "word", "4"), ({"none": True}, "word", "0")],
    ),
}
LIMITS = {
    "constants": (
        {"in": variable("limits", {"low": 0.1, "high": 3000.0}, value=5)},
        [
            ({"in": 0}, "in", "0.1"),
            ({"in": 3000.5}, "in", "3000"),
            ({"in": 12}, "in", "12"),
            ({"in": None}, "in", "null"),
        ],
    ),
    "variables": (
        {
            "low": -10,
            "high": {"value": 0, "max": 10},
            "in": variable("limits", {"lowVar": uri("low"), "highVar": uri("high@max")}),
        },
        [
            ({"in": -50}, "in", "-10"),
            ({"in": 50}, "in", "10"),
            ({"low": 5, "in": 1}, "in", "5"),
            ({"low": None, "in": 6}, "in", "null"),
        ],
    ),
    "and a remap behind": (
        {
            "in": {
                "value": 1,
                "actions": {"onSet": [{"limits": [{"low": 0, "high": 10}]}, {"remap": [{"uri": uri("out")}]}]},
            }
        },
        [({"in": 99}, "out", "10"), ({}, "in", "10")],
    ),
}
FUNC = {
    "always": (
        {"in": variable("func", {"func": "TestTriggerFunc", "amap": "bms"}, value=0)},
        [
            ({}, "in@triggered", "1"),
            ({"in": 5}, "in@triggered", "2"),
            ({"in@triggered": 0, "in": 5}, "in@triggered", "1"),
        ],
    ),
    "for one value, when it is allowed": (
        {
            "gate": True,
            "other": 0,
            "in": variable("func", {"func": "TestTriggerFunc", "inValue": 1, "enable": uri("gate")}, triggered=0),
            "by": variable("func", {"func": "TestTriggerFunc", "inAv": uri("other")}),
        },
        [
            ({"in": 2}, "in@triggered", "0"),
            ({"in": 1}, "in@triggered", "1"),
            ({"gate": False, "in": 1}, "in@triggered", "1"),
            ({"by": 1}, "other@triggered", "2"),
        ],
    ),
}
