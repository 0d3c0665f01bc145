"""What is typed at `enum`, `bitfield`, `bitset`, `limits` and `func` and the exact text that comes back."""

from __future__ import annotations

from tests.unit.engine_cases import uri, variable

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
    "a default of items that are switched off": (
        {
            "gate": False,
            "in": variable("enum", {"uri": uri("out"), "inValue": 1, "enable": uri("gate"), "ifChanged": True}),
            "out": "?",
        },
        [
            ({"in": {"value": 0, "defUri": uri("out"), "defVal": "other"}}, "out", '"?"'),
            ({"gate": True, "in": 0}, "out", '"?"'),
            ({"in": 2}, "out", '"other"'),
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
