"""Who gets in: tokens, sessions, and the headers of requests."""

from __future__ import annotations

import pytest

from ess_bus.errors import ConfigurationError
from tools.ess_web.access import LASTS_S, MAX_FAILURES, Access, Role, TooManyFailures
from tools.ess_web.guard import host_of
from tools.ess_web.tokens import new_tokens, read_tokens

TOKENS = {Role.OPERATOR: "operator-token-123", Role.VIEWER: "viewer-token-12345"}


@pytest.mark.parametrize("role", list(Role))
def test_a_token_gives_its_role_for_a_while_and_over_a_restart(role):
    session = Access(TOKENS).login(TOKENS[role], "Ada Ümlaut.x", 1000.0)
    assert session is not None
    restarted = Access(TOKENS)
    assert restarted.session(session.key, 1001.0) == session
    assert (session.role, session.name) == (role, "Ada Ümlaut.x")
    assert restarted.session(session.key, 1000.0 + LASTS_S[role]) is None


def test_a_new_token_ends_what_the_old_one_gave():
    session = Access(TOKENS).login(TOKENS[Role.OPERATOR], "Ada", 1000.0)
    assert session is not None
    assert Access({**TOKENS, Role.OPERATOR: "another-token-1234"}).session(session.key, 1001.0) is None
    assert Access({Role.VIEWER: TOKENS[Role.VIEWER]}).session(session.key, 1001.0) is None


def test_a_session_cannot_be_made_up():
    access = Access(TOKENS)
    viewer = access.login(TOKENS[Role.VIEWER], "Ada", 1000.0)
    assert viewer is not None
    forged = [viewer.key.replace("viewer", "operator"), viewer.key.replace("viewer.", "viewer.9"), viewer.key[:-1]]
    for key in (*forged, None, "", ".", "...", "operator", "admin.1.2.3", "ä.1.2.3", "x" * 5000):
        assert access.session(key, 1000.0) is None


def test_who_has_logged_out_is_out():
    access = Access(TOKENS)
    session = access.login(TOKENS[Role.VIEWER], "Ada", 1000.0)
    assert session is not None
    access.logout(session)
    assert access.session(session.key, 1000.0) is None


def test_guessing_ends_soon_and_goes_on_later():
    access = Access(TOKENS)
    for _ in range(MAX_FAILURES):
        assert access.login("wrong", "Eve", 1000.0) is None
    with pytest.raises(TooManyFailures):
        access.login(TOKENS[Role.OPERATOR], "Ada", 1001.0)
    assert access.login(TOKENS[Role.OPERATOR], "Ada", 1061.0) is not None


def test_new_tokens_are_long_and_never_the_same():
    tokens = {token for _ in range(10) for token in new_tokens().values()}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 32


def written(folder, text, mode=0o600):
    file = folder / "tokens.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_tokens_from_a_file(tmp_path):
    assert read_tokens(written(tmp_path, 'operator = "0123456789abcdef"')) == {Role.OPERATOR: "0123456789abcdef"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no token"),
        ('operator = "short-secret"', "operator: expected a text of at least 16"),
        ("operator = 5", "operator: expected a text of at least 16"),
        ('operater = "0123456789abcdef"', "did you mean operator"),
        ('operator = "0123456789abcdef"\nviewer = "0123456789abcdef"', "each role needs its own"),
        ("operator", "not TOML"),
    ],
)
def test_a_file_that_says_something_else_is_refused_without_telling_it(tmp_path, text, problem):
    with pytest.raises(ConfigurationError, match=problem) as refused:
        read_tokens(written(tmp_path, text))
    assert "secret" not in str(refused.value)
    assert "0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_tokens(written(tmp_path, 'operator = "0123456789abcdef"', mode))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8080", "127.0.0.1"), ("LocalHost", "localhost"), ("[::1]:80", "::1"),
        ("evil.example:8080", "evil.example"),
        ("", ""), ("[", ""), ("a@127.0.0.1", "127.0.0.1"), ("localhost.", "localhost"),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header, name):
    assert host_of(header) == name
