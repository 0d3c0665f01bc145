"""The table of options that getopt, the help page and completion share."""

import pytest

from tools import fims_trigger
from tools.fims import options, order
from tools.fims.completion import as_click

SOME: tuple[options.Option, ...] = (
    (("-m",), "METHOD", "one line"),
    (("-h", "--help"), "", "a switch"),
    (("--timeout",), "SECONDS", "two\nlines"),
)


def test_getopt_gets_a_colon_or_an_equals_sign_for_a_value():
    assert options.short(SOME) == "m:h"
    assert options.long(SOME) == ["help", "timeout="]


def test_the_help_page_is_aligned_and_long_flags_have_a_line_of_their_own():
    assert options.listing(SOME).splitlines() == [
        "  -m METHOD    one line",
        "  -h, --help   a switch",
        "  --timeout SECONDS",
        "               two",
        "               lines",
    ]


@pytest.mark.parametrize("table", [order.OPTIONS, fims_trigger.OPTIONS])
def test_completion_knows_the_same_options_as_getopt(table):
    known = as_click("some", table)
    flags = {flag for parameter in known.params[:-1] for flag in parameter.opts}
    assert flags == {flag for found, _, _ in table for flag in found}


@pytest.mark.parametrize(("text", "expected"), [("1", 1.0), ("0.5", 0.5), ("1e3", 1000.0)])
def test_seconds(text, expected):
    assert options.seconds(text) == expected


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "5s"])
def test_what_are_no_seconds(text):
    with pytest.raises(ValueError, match=f"'{text}': expected seconds above 0, such as 0.5"):
        options.seconds(text)
