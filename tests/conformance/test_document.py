"""The page itself: every rule has a test or a reason, every test a rule, and the examples are what the code makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ess_bus import batch, control
from ess_bus.broker.limits import Limits
from ess_bus.message import decode
from tests.conformance.examples import EXAMPLES

FOLDER = Path(__file__).parent
PAGE = (FOLDER.parents[1] / "docs" / "wire.md").read_text()
RULES = re.findall(r"^- \*\*(W-[A-Z]+-\d+)\*\* ", PAGE, re.MULTILINE)
UNTESTED = dict(re.findall(r"^\| (W-[A-Z]+-\d+) \| (.+) \|$", PAGE.partition("\n## 13.")[2], re.MULTILINE))
SHOWN = dict(re.findall(r"^([^\n]+):\n\n```hex\n(.+?)\n```$", PAGE, re.MULTILINE | re.DOTALL))


def checked() -> dict[str, list[str]]:
    """Return which tests name which rules."""
    found: dict[str, list[str]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "rule":
                    for name in decorator.args:
                        assert isinstance(name, ast.Constant)
                        found.setdefault(str(name.value), []).append(f"{path.name}::{node.name}")
    return found


def test_there_are_rules_and_each_has_a_number_of_its_own():
    assert len(RULES) > 100
    assert len(RULES) == len(set(RULES))


def test_every_rule_has_a_test_or_a_reason_why_not():
    assert set(RULES) - checked().keys() - UNTESTED.keys() == set()


def test_no_test_names_a_rule_that_there_is_not():
    assert checked().keys() - set(RULES) == set()


def test_what_is_said_to_have_no_test_is_a_rule_and_has_none():
    assert UNTESTED.keys() <= set(RULES)
    assert UNTESTED.keys() & checked().keys() == set()
    assert all(len(reason) > 20 for reason in UNTESTED.values())


def test_every_rule_that_is_referred_to_exists():
    assert set(re.findall(r"W-[A-Z]+-\d+", PAGE)) <= set(RULES)


def test_every_test_of_this_folder_names_a_rule():
    for path in sorted(FOLDER.glob("test_*.py")):
        if path == Path(__file__):
            continue
        named = {
            test.partition("::")[2] for tests in checked().values() for test in tests if test.startswith(path.name)
        }
        tests = re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
        assert set(tests) == named, path.name


def test_the_page_shows_these_examples_and_no_others():
    assert SHOWN.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("what", EXAMPLES)
def test_an_example_is_what_the_code_makes_and_understands(what):
    frame, meaning = EXAMPLES[what]
    assert bytes.fromhex("".join(line[:47] for line in SHOWN[what].splitlines())) == frame
    readers: dict[bytes, Callable[[bytes], object]] = {b"!": control.decode, b"*": batch.unpack}
    reader = readers.get(frame[:1], decode)
    assert reader(frame) == meaning


def test_every_control_verb_is_on_the_page():
    for verb in control.Verb:
        assert f"`{verb}`" in PAGE, verb


def test_the_limits_on_the_page_are_those_of_the_broker():
    limits = Limits()
    table = PAGE.partition("### 7.2")[2].partition("- **W-LIMIT-1")[0]
    assert f"{limits.max_message >> 20} MiB | `--max-message`" in table
    assert f"{limits.subscriptions:,} | `--subscriptions`" in table
    assert f"{limits.window_bytes >> 20} MiB | `--window-bytes`" in table
    assert f"{limits.queue_messages:,} messages, {limits.queue_bytes >> 20} MiB | `--queue-messages`" in table
    assert f"{limits.stalled_after_s:.0f} s | `--stalled-after`" in table
    assert limits.max_frame == limits.max_message + 4096
    assert Limits(max_message=1024, subscriptions=1).max_frame >= 128 << 10


def test_the_sections_that_the_code_refers_to_are_there():
    root = FOLDER.parents[1] / "ess_bus"
    found = [
        number
        for path in root.rglob("*.py")
        for number in re.findall(r"docs/wire\.md, section ([\d.]+\d|\d)", path.read_text())
    ]
    assert found
    headings = re.findall(r"^##+ ([\d.]+\d|\d)", PAGE, re.MULTILINE)
    assert set(found) <= set(headings)
