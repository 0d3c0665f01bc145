"""How `fims_send` reads its command line; what needs a broker is in the integration tests."""

import pytest

from tools import fims_send
from tools.fims.order import OPTIONS, Order

Call = tuple[object, ...]


@pytest.fixture
def sent(monkeypatch) -> list[Call]:
    """What would be sent, instead of a connection: (bus, user, method, uri, body, replyto)."""
    calls: list[Call] = []

    def record(order: Order, method: str, uri: str, body: bytes | None) -> int:
        calls.append((order.bus, order.user, method, uri, body, order.replyto))
        return 0

    for name in ("ESS_BUS", "FIMS_COMPAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fims_send, "_exchange", record)
    return calls


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        fims_send.main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-m get -u /a", (None, None, "get", "/a", None, None)),
        ("-mset -u/a -r/me 5", (None, None, "set", "/a", b"5", "/me")),
        ("5 -m set -u /a", (None, None, "set", "/a", b"5", None)),
        ("-m set 5 -u /a -r /me", (None, None, "set", "/a", b"5", "/me")),
        ("-m set -u /a 5 6", (None, None, "set", "/a", b"5", None)),
        ("-m set -u /a -- -250", (None, None, "set", "/a", b"-250", None)),
        ("-m set -u /a -- --bus", (None, None, "set", "/a", b"--bus", None)),
        ("-m pub -u /a -n operator 1", (None, "operator", "pub", "/a", b"1", None)),
        ("-m pub -u /a --bus plant 1", ("plant", None, "pub", "/a", b"1", None)),
        ("-m pub -u /a --bus=plant 1", ("plant", None, "pub", "/a", b"1", None)),
        ("-m pub -m del -u /a -u /b", (None, None, "del", "/b", None, None)),
        ("-m post -u /a", (None, None, "post", "/a", None, None)),
    ],
)
def test_options_and_body_may_stand_anywhere(sent, arguments, expected):
    assert status(*arguments.split()) == 0
    assert sent == [expected]


def test_an_empty_body_is_a_body(sent):
    status("-m", "set", "-u", "/a", "")
    assert sent[0][4] == b""


def test_bytes_that_are_not_utf8_are_sent_as_they_were_typed(sent):
    status("-m", "set", "-u", "/a", "\udcff\udc80x")
    assert sent[0][4] == b"\xff\x80x"


def test_a_file_is_the_body_and_beats_the_one_on_the_command_line(sent, tmp_path):
    (tmp_path / "body").write_bytes(b"\xff\0{}\n")
    status("-m", "set", "-u", "/a", "-f", str(tmp_path / "body"), "ignored")
    assert sent[0][4] == b"\xff\0{}\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", "-m and -u are required"),
        ("-u /a", "-m and -u are required"),
        ("-m get", "-m and -u are required"),
        ("-m shout -u /a", "unknown method 'shout', expected one of del, get, post, pub, set"),
        ("-m GET -u /a", "unknown method 'GET'"),
        ("-m reply -u /a", "unknown method 'reply'"),
        ("-x -m get -u /a", "option -x not recognized"),
        ("--nonsense -m get -u /a", "option --nonsense not recognized"),
        ("-m set -u /a -5", "option -5 not recognized"),
        ("-m set -u", "option -u requires argument"),
        ("-m set -u /a -f /no/such/file", "cannot read /no/such/file: No such file or directory"),
        ("-m set -u /a -f /", "cannot read /: Is a directory"),
        ("-m get -u /a --timeout 0", "'0': expected seconds above 0"),
        ("-m get -u /a --timeout -1", "'-1': expected seconds above 0"),
        ("-m get -u /a --timeout nan", "'nan': expected seconds above 0"),
        ("-m get -u /a --timeout inf", "'inf': expected seconds above 0"),
        ("-m get -u /a --timeout 5s", "'5s': expected seconds above 0"),
        ("-m get -u /a --jq .[", "bad filter '.[': syntax error, unexpected end of file at line 1, column 2"),
        ("-m get -u /a --jq nonsense", "bad filter 'nonsense': nonsense/0 is not defined at line 1, column 1"),
        ("-m get -u /a --raw", "--raw goes with --jq"),
        ("-m set -u /a --jq . 5", "--jq needs an answer: -m get, or -r"),
        ("--completion csh", "no completion for 'csh', expected one of bash, zsh, fish"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_sent(sent, capsys, arguments, text):
    assert status(*arguments.split()) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fims_send: ")
    assert text in captured.err
    assert captured.err.endswith("; see fims_send --help\n")
    assert captured.err.count("\n") == 1
    assert sent == []


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout(sent, capsys, flag):
    assert status(flag) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Usage: fims_send -m METHOD -u URI")
    assert captured.err == ""
    assert sent == []


@pytest.mark.parametrize(("arguments", "seconds"), [("", 5.0), ("--timeout 0.25", 0.25), ("--timeout=1e3", 1000.0)])
def test_how_long_to_wait(monkeypatch, arguments, seconds):
    orders: list[Order] = []

    def record(order: Order, *_: object) -> int:
        orders.append(order)
        return 0

    monkeypatch.setattr(fims_send, "_exchange", record)
    assert status("-m", "get", "-u", "/a", *arguments.split()) == 0
    assert orders[0].timeout_s == seconds


def test_the_help_names_every_option(capsys):
    assert status("--help") == 0
    page = capsys.readouterr().out
    for flags, value, _ in OPTIONS:
        assert f"\n  {', '.join(flags)} {value}".rstrip() in page
