"""Rules with real processes: what a refused sender sees, what the log says, and how rules are changed."""

import getpass
import os
import signal
from pathlib import Path

import pytest

from ess_bus.client import Bus
from ess_bus.errors import BusError, Refused
from tests.integration.conftest import Process, Start, eventually
from tests.integration.peers import Owner

ME = getpass.getuser()
SERVER = "ess_bus.broker.command"
RULES = f"""
[[allow]]
users = ["{ME}"]
verbs = ["set"]
prefixes = ["/open"]

[[deny]]
users = ["*"]
verbs = ["sub", "get"]
prefixes = ["/secret"]
why = "it holds passwords"
"""


@pytest.fixture
def rules(folder) -> Path:
    path: Path = folder / "rules.toml"
    path.write_text(RULES)
    return path


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


@pytest.fixture
def guarded(start: Start, endpoint, rules) -> Process:
    process = start(SERVER, "--bus", endpoint, "--rules", rules)
    eventually(lambda: "listening" in process.output)
    return process


def test_a_refused_set_has_status_3_its_reason_and_a_line_in_the_log(run, guarded, endpoint):
    reason = f"{ME} may not set this: no rule allows it, and the default for set is deny (rules.toml)"
    with Owner(endpoint, "/closed", lambda _: 42) as owner:
        for replyto in ([], ["-r", "/me"]):
            result = run("tools.fims_send", "-m", "set", "-u", "/closed/x", *replyto, "5", bus=endpoint)
            assert (result.returncode, result.stdout) == (3, "")
            assert result.stderr == f"fims_send: /closed/x: {reason}\n"
        assert owner.received == []
    (line,) = [line for line in guarded.output.splitlines() if "denied" in line]
    assert line.startswith("WARNING denied set /closed/x to fims_send from pid ")
    assert line.endswith(f": {reason}")


def test_what_is_allowed_is_answered_at_any_replyto_without_a_rule_for_the_answer(run, guarded, endpoint):
    with Owner(endpoint, "/open", lambda message: message.json()), Owner(endpoint, "/closed", lambda _: 42):
        result = run("tools.fims_send", "-m", "set", "-u", "/open/x", "-r", "/me", "5", bus=endpoint)
        assert (result.returncode, result.stdout) == (0, "5\n")
        result = run("tools.fims_send", "-m", "get", "-u", "/closed/x", "-r", "/me", bus=endpoint)
        assert (result.returncode, result.stdout) == (0, "42\n")


def test_who_may_not_receive_is_told_and_a_wider_listener_sees_the_rest(run, start, guarded, endpoint):
    result = run("tools.fims_listen", "-u", "/secret/a", bus=endpoint)
    assert result.returncode != 0
    text = f"/secret/a: {ME} may not receive below /secret: deny rule 1, it holds passwords (rules.toml)"
    assert text in result.stderr
    listener = start("tools.fims_listen", "-u", "/", bus=endpoint)
    with Bus(endpoint) as bus:

        def heard() -> bool:
            bus.publish("/secret/a", "hidden")
            bus.publish("/b", "shown")
            return "shown" in listener.output

        eventually(heard)
    assert "hidden" not in listener.output


def test_rules_are_read_again_on_a_sighup_and_wrong_ones_change_nothing(guarded, endpoint, rules):
    with Owner(endpoint, "/closed", lambda _: 42), Bus(endpoint) as bus:
        with pytest.raises(Refused):
            bus.set("/closed/x", 5)
        rules.write_text('[default]\nset = "allow"\n')
        guarded.popen.send_signal(signal.SIGHUP)
        assert eventually(lambda: bus.set("/closed/x", 5)).json() == 42
        rules.write_text('[default]\nset = "alow"\n')
        guarded.popen.send_signal(signal.SIGHUP)
        eventually(lambda: "default.set: input should be 'allow' or 'deny'" in guarded.output)
        assert bus.set("/closed/x", 5).json() == 42
        assert bus.get("/bus/stats")["rules"] == "rules.toml"


def test_pubs_that_were_allowed_and_remembered_are_asked_about_again_after_a_sighup(guarded, endpoint, rules):
    with Bus(endpoint) as bus:
        bus.publish("/a", 1)
        bus.flush()
        rules.write_text('[default]\npub = "deny"\n')
        guarded.popen.send_signal(signal.SIGHUP)
        eventually(lambda: "was read again" in guarded.output)
        bus.publish("/a", 2)
        with pytest.raises(Refused, match=f"{ME} may not pub this"):
            bus.flush()


def test_a_wrong_file_stops_the_start_in_one_line(run, endpoint, rules):
    rules.write_text('[[allow]]\nuser = ["a"]\n')
    result = run(SERVER, "--bus", endpoint, "--rules", rules)
    assert result.returncode == 1
    assert result.stderr.startswith(f"fims_server: {rules}: allow.0.users: missing (and ")
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_others_can_change_is_no_rule(run, endpoint, rules):
    rules.chmod(0o646)
    result = run(SERVER, "--bus", endpoint, "--rules", rules)
    assert result.returncode == 1
    assert result.stderr == f"fims_server: {rules}: others can change it; expected `chmod o-w`\n"


class TestCheckRules:
    def test_a_right_file(self, run, rules):
        result = run(SERVER, "check-rules", rules)
        expected = "get allow, set deny, pub allow, post deny, del deny, sub allow"
        assert (result.returncode, result.stdout) == (0, f"{rules}: right; where no rule speaks: {expected}\n")

    @pytest.mark.parametrize(
        ("question", "status", "answer"),
        [
            ((ME, "set", "/open/x"), 0, f"{ME} may set /open/x\n"),
            (
                (ME, "sub", "/secret"),
                1,
                f"{ME} may not receive below /secret: deny rule 1, it holds passwords (rules.toml)\n",
            ),
        ],
    )
    def test_what_it_means_for_somebody(self, run, rules, question, status, answer):
        result = run(SERVER, "check-rules", rules, *question)
        assert (result.returncode, result.stdout, result.stderr) == (status, answer, "")

    @pytest.mark.parametrize("question", [("a",), ("a", "sett", "/x"), ("a", "set")])
    def test_a_question_that_is_none(self, run, rules, question):
        result = run(SERVER, "check-rules", rules, *question)
        assert result.returncode == 2
        assert "expected USER VERB URI" in result.stderr

    def test_a_wrong_file_and_one_that_is_not_there(self, run, folder, rules):
        rules.write_text("[default")
        for path, problem in ((rules, "not TOML"), (folder / "none.toml", "no such file")):
            result = run(SERVER, "check-rules", path)
            assert result.returncode == 1
            assert f"{path}: {problem}" in result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")
def test_users_of_a_group_share_a_socket_and_the_rules_tell_them_apart(run, start, folder, endpoint, rules):
    nobody, group = 65534, 4242
    folder.chmod(0o755)
    rules.write_text('[[allow]]\nusers = ["nobody"]\nverbs = ["set"]\nprefixes = ["/open"]')
    process = start(SERVER, "--bus", endpoint, "--rules", rules, "--group", group)
    eventually(lambda: "listening" in process.output)
    socket = folder / "broker.sock"
    assert (socket.stat().st_gid, socket.stat().st_mode & 0o777) == (group, 0o660)

    def as_nobody(groups: list[int]) -> str:
        """Set /open/x as another user, in a process of its own, and return what became of it."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups(groups)
                os.setgid(nobody)
                os.setuid(nobody)
                with Bus(endpoint, username=ME) as bus:
                    found = str(bus.set("/open/x", 5).json())
            except BusError as error:
                found = str(error)
            os.write(writing, found.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            found = told.read()
        os.waitpid(child, 0)
        return found

    with Owner(endpoint, "/open", lambda _: 42), Bus(endpoint) as bus:
        assert as_nobody([group]) == "42"
        assert as_nobody([]) == f"the broker on {endpoint} refuses this client: this user may not use its socket"
        with pytest.raises(Refused, match=f"{ME} may not set this"):
            bus.set("/open/x", 5)


def test_the_private_folder_is_not_opened_to_a_group(run, folder):
    result = run(SERVER, "--bus", "plant", "--group", os.getgid())
    assert result.returncode == 1
    assert "its folder is private; use ipc://PATH in another" in result.stderr
    assert not (folder / "ess-bus" / "plant.sock").exists()
