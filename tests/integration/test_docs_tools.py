"""The pages show what the commands print now, and their generator tells when they do not."""

import os
import pwd
import subprocess
import sys

import pytest

from tests.integration.conftest import ROOT
from tools.docs_tools import a_session, as_example, render

GENERATOR = "tools.docs_tools"


def generate(environment, *arguments: object) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "-m", GENERATOR, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=ROOT,
        text=True,
        timeout=55,
        check=False,
    )
    return result.returncode, result.stdout


PAGES = ("tools", "modbus", "operating", "record", "site-file", "troubleshooting")


@pytest.mark.parametrize("page", [f"docs/{name}.md" for name in PAGES])
def test_the_pages_show_what_the_commands_print_now(environment, page):
    status, text = generate(environment, "--check", page)
    assert (status, text) == (0, "")


def test_a_page_that_is_out_of_date_is_told_and_written_anew(environment, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```console\n$ echo a; false\nb\n```\n\n```\n$ echo not run\n```\n")
    status, text = generate(environment, "--check", page)
    assert status == 1
    assert "\n-b\n+a\n" in text
    assert "make docs" in text
    assert generate(environment, page) == (0, "")
    assert page.read_text() == "# Page\n\n```console\n$ echo a; false\na\n```\n\n```\n$ echo not run\n```\n"
    assert generate(environment, "--check", page) == (0, "")


def test_the_background_is_shown_when_it_ends():
    page = "```console\n$ fims_listen -u /a -n 1 &\n$ fims_send -m pub -u /a 5\n$ wait\n$ pwd >&2\n```\n"
    with a_session() as session:
        text = render(page, session)
    start, shown = text.split("$ wait\n")
    assert start == "```console\n$ fims_listen -u /a -n 1 &\n$ fims_send -m pub -u /a 5\n"
    assert shown.startswith("\nMethod:       pub\nUri:          /a\n")
    assert "\nTimestamp:    2026-01-31 12:00:00.000000\n$ pwd >&2\n/" in shown


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("Timestamp:    2027-05-06 07:08:09.123456\n", "Timestamp:    2026-01-31 12:00:00.000000\n"),
        ('"timestamp":"2027-05-06T07:08:09.123456+00:00"', '"timestamp":"2026-01-31T12:00:00.000000+00:00"'),
        ("Elapsed Time: 3 ms \n", "Elapsed Time: 14 ms \n"),
        ('"Timestamp":"12-31-2027 07:08:09.123456"', '"Timestamp":"01-31-2026 12:00:00.000000"'),
        ("to      x (77.5 s)\n", "to      x (2.0 s)\n"),
        ("a.rec: 3 messages, 99 bytes\n", "a.rec: 3 messages, 24576 bytes\n"),
        ("INFO 3 messages in 9.9 s, 17 ms late at most\n", "INFO 3 messages in 2.0 s, 1 ms late at most\n"),
        ("pub /a by x      3     1.0    128\n", "pub /a by x      3    10.0    128\n"),
        ("pcs_1/start  7  12.3 s\n", "pcs_1/start  7  0.0 s\n"),
        ('{"pid":77,"x":77}', '{"pid":4711,"x":77}'),
        (
            "URI  COUNT  RATE/S  BYTES  AGE S\n/a       3  1234.5     15   12.1\n/bb      1       -      1    0.0\n"
            "4 messages on 2 URIs in 13.7 s, none lost\n",
            "URI  COUNT  RATE/S  BYTES  AGE S\n/a       3    10.0     15    0.5\n/bb      1       -      1    0.5\n"
            "4 messages on 2 URIs in 2.0 s, none lost\n",
        ),
    ],
)
def test_what_is_different_at_each_run_is_an_example(text, example):
    assert as_example(text) == example


def test_who_runs_it_is_not_shown():
    name = pwd.getpwuid(os.geteuid()).pw_name
    assert as_example(f'Username:     {name}\n"username":"{name}"\n') == 'Username:     ems\n"username":"ems"\n'
