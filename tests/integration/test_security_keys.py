"""CURVE on TCP with real processes: who gets in, and what everybody else is told."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import struct

import pytest

from ess_bus import control, keys
from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.control import Verb
from ess_bus.errors import Disconnected
from ess_bus.transport import zeromq
from tests.integration.conftest import Process, Start, eventually, free_port
from tests.integration.peers import Owner

UNKNOWN = "it does not know the key in ESS_BUS_KEY"
WRONG_SERVER = "the key in ESS_BUS_SERVER_KEY is not its key, or it uses no keys"
NO_KEY = "it wants a key; set ESS_BUS_KEY and ESS_BUS_SERVER_KEY"


class Site:
    """The key files of a site, and a broker that goes by them."""

    def __init__(self, folder, start: Start, environment, monkeypatch) -> None:
        self.folder, self.clients = folder, folder / "clients"
        self._start, self._environment, self._monkeypatch = start, environment, monkeypatch
        self.clients.mkdir()
        for name in ("site", "alice", "eve", "other"):
            keys.generate(name, folder)
        self.let_in("alice")
        self.endpoint = f"tcp://127.0.0.1:{free_port()}"

    def let_in(self, name: str) -> None:
        shutil.copy(self.folder / f"{name}.key", self.clients)

    def start(self, *arguments: str) -> Process:
        keyed = ("--curve-secret", self.folder / "site.key_secret", "--clients", self.clients)
        process = self._start("ess_bus.broker.command", "--bus", self.endpoint, *keyed, *arguments)
        eventually(lambda: "listening" in process.output)
        return process

    def be(self, name: str | None, server: str = "site") -> None:
        """Let this process and those it starts use a key."""
        found = {keys.KEY_VARIABLE: f"{name}.key_secret", keys.SERVER_KEY_VARIABLE: f"{server}.key"} if name else {}
        for variable in (keys.KEY_VARIABLE, keys.SERVER_KEY_VARIABLE):
            self._environment.pop(variable, None)
            self._monkeypatch.delenv(variable, raising=False)
            if variable in found:
                self._environment[variable] = str(self.folder / found[variable])
                self._monkeypatch.setenv(variable, str(self.folder / found[variable]))

    def secrets(self) -> list[str]:
        return [keys.load_pair(path).secret.decode() for path in self.folder.glob("*.key_secret")]


@pytest.fixture
def site(folder, start, environment, monkeypatch) -> Site:
    return Site(folder, start, environment, monkeypatch)


def test_the_name_of_the_key_is_the_user_whatever_the_client_claims(site):
    site.start()
    site.be("alice")
    with Bus(site.endpoint, name="a", username="root") as bus:
        (client,) = bus.get("/bus/clients")
    assert (client["user"], client["user_is_proven"], client["address"]) == ("alice", True, "127.0.0.1")


def test_both_clients_and_the_tools_work_over_curve(site, run):
    site.start()
    site.be("alice")

    async def ask() -> object:
        async with AsyncBus(site.endpoint) as bus:
            return await bus.get("/a/x")

    with Owner(site.endpoint, "/a", lambda _: 42):
        assert asyncio.run(ask()) == 42
        answer = run("tools.fims_send", "-m", "get", "-u", "/a/x", "-r", "/me", bus=site.endpoint)
    assert (answer.returncode, answer.stdout) == (0, "42\n")


@pytest.mark.parametrize(
    ("name", "server", "told", "logged"),
    [
        ("eve", "site", UNKNOWN, "refused a client from 127.0.0.1: its key {eve}... is not in the allow-list"),
        ("alice", "other", WRONG_SERVER, "refused a client that takes this broker for another"),
        (None, "site", NO_KEY, "without a key|uses no key"),
    ],
    ids=["unknown key", "wrong server key", "no key"],
)
def test_who_does_not_get_in_is_told_why_and_the_log_names_it(site, run, name, server, told, logged):
    broker = site.start()
    site.be(name, server)
    result = run("tools.fims_send", "-m", "get", "-u", "/bus/version", bus=site.endpoint)
    # Not "no broker within 5 s": it did not wait for a time-out.
    assert result.stderr == f"fims_send: the broker on {site.endpoint} refuses this client: {told}\n"
    assert result.returncode == 1
    with pytest.raises(Disconnected, match=f"refuses this client: {told}"), Bus(site.endpoint):
        pass

    async def join() -> None:
        async with AsyncBus(site.endpoint):
            pass

    with pytest.raises(Disconnected, match=f"refuses this client: {told}"):
        asyncio.run(join())
    expected = logged.format(eve=keys.load_public(str(site.folder / "eve.key"))[:8].decode()).split("|")
    eventually(lambda: any(text in broker.output for text in expected))
    assert broker.stop() == 0
    # However often it tried, there is a line for each reason.
    assert broker.output.count("WARNING") <= 2
    assert not [secret for secret in site.secrets() if secret in broker.output + result.stderr]


def test_a_key_where_the_broker_uses_none_is_told_too(site, start, run):
    process = start("ess_bus.broker.command", "--bus", site.endpoint)
    eventually(lambda: "listening" in process.output)
    site.be("alice")
    result = run("tools.fims_send", "-m", "get", "-u", "/bus/version", bus=site.endpoint)
    assert result.returncode == 1
    assert "refuses this client: " in result.stderr
    assert "it uses no keys" in result.stderr


def test_a_broker_that_is_not_there_is_not_taken_for_one_that_refuses(site):
    site.be("alice")
    timeouts = Timeouts(connect=0.5)
    with pytest.raises(Disconnected, match=r"no broker on .* within 0\.5 s"), Bus(site.endpoint, timeouts=timeouts):
        pass


@pytest.mark.parametrize("mode", [0o604, 0o640])
def test_a_secret_that_others_can_read_is_used_by_nobody(site, run, mode):
    for name in ("alice", "site"):
        (site.folder / f"{name}.key_secret").chmod(mode)
    site.be("alice")
    keyed = ("--curve-secret", site.folder / "site.key_secret", "--clients", site.clients)
    for result in (
        run("ess_bus.broker.command", "--bus", site.endpoint, *keyed),
        run("tools.fims_send", "-m", "get", "-u", "/bus/version", bus=site.endpoint),
    ):
        assert result.returncode == 1
        assert "others can read this secret key; expected `chmod 600`" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_beyond_loopback_keys_are_needed_and_with_them_it_is_allowed(site, run):
    site.endpoint = f"tcp://0.0.0.0:{free_port()}"
    result = run("ess_bus.broker.command", "--bus", site.endpoint)
    assert result.returncode == 1
    assert "only loopback addresses are allowed without keys; see --curve-secret" in result.stderr
    site.start()
    site.be("alice")
    with Bus(site.endpoint.replace("0.0.0.0", "127.0.0.1")) as bus:
        assert bus.get("/bus/version")


class TestChangingTheList:
    def test_a_new_key_counts_after_a_sighup(self, site):
        broker = site.start()
        site.be("eve")
        with pytest.raises(Disconnected), Bus(site.endpoint):
            pass
        site.let_in("eve")
        broker.popen.send_signal(signal.SIGHUP)
        eventually(lambda: "was read again" in broker.output)
        with Bus(site.endpoint) as bus:
            assert bus.get("/bus/version")

    def test_who_is_taken_off_it_is_cut_off_at_once(self, site):
        site.let_in("eve")
        broker = site.start()
        site.be("eve")
        with Bus(site.endpoint, name="eves", timeouts=Timeouts(request=0.5)) as eves:
            (site.clients / "eve.key").unlink()
            broker.popen.send_signal(signal.SIGHUP)
            eventually(lambda: "eves is disconnected: eve is not in the allow-list any more" in broker.output)
            site.be("alice")
            with Owner(site.endpoint, "/a", lambda _: 42) as owner:
                # The connection stands, but nothing comes through it any more: not even a new hello.
                with pytest.raises((Disconnected, TimeoutError)):
                    eves.set("/a", 1)
                with Bus(site.endpoint, name="alices") as alices:
                    assert [client["name"] for client in alices.get("/bus/clients")] == ["owner", "alices"]
                assert owner.received == []

    def test_a_wrong_list_is_named_and_the_old_one_stays_in_force(self, site):
        broker = site.start()
        (site.clients / "bad.key").write_text("garbage")
        broker.popen.send_signal(signal.SIGHUP)
        eventually(lambda: "bad.key: there is no public key in this file" in broker.output)
        site.be("alice")
        with Bus(site.endpoint) as bus:
            assert bus.get("/bus/version")

    def test_a_program_that_was_refused_for_a_while_comes_back_by_itself(self, site, monkeypatch, caplog):
        monkeypatch.setattr(zeromq, "REFUSED_PAUSE_S", 0.2)
        site.let_in("eve")
        broker = site.start()
        site.be("eve")
        with Bus(site.endpoint) as bus:
            assert bus.get("/bus/version")
            assert broker.stop() == 0
            (site.clients / "eve.key").unlink()
            broker = site.start()

            def refused() -> bool:
                bus.statistics()
                with pytest.raises(Disconnected) as caught:
                    bus.request("get", "/bus/version", timeout_s=0.1)
                return UNKNOWN in str(caught.value)

            eventually(refused)
            assert [record.message for record in caplog.records if "refuses this client now" in record.message]
            site.let_in("eve")
            broker.popen.send_signal(signal.SIGHUP)
            assert eventually(lambda: bus.get("/bus/version"))


def test_on_plain_tcp_nobody_is_proven_even_who_calls_itself_somebody_in_the_handshake(start):
    # libzmq hands on any property that a client sends; "User-Id" is the name of what ZAP says.
    port = free_port()
    process = start("ess_bus.broker.command", "--bus", f"tcp://127.0.0.1:{port}")
    eventually(lambda: "listening" in process.output)
    with socket.create_connection(("127.0.0.1", port)) as liar, liar.makefile("rb") as said:
        liar.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        assert len(said.read(64)) == 64
        properties = b"".join(
            struct.pack("!B", len(name)) + name + struct.pack("!I", len(value)) + value
            for name, value in ((b"Socket-Type", b"DEALER"), (b"Identity", b""), (b"User-Id", b"root"))
        )
        ready = b"\x05READY" + properties
        liar.sendall(b"\x04" + bytes([len(ready)]) + ready)
        assert said.read(8).endswith(b"READY")
        hello = control.encode(Verb.HELLO, control.VERSION, "liar", "root", 1, "", ())
        liar.sendall(b"\x00" + bytes([len(hello)]) + hello)
        with Bus(f"tcp://127.0.0.1:{port}", name="looker") as bus:
            found = eventually(lambda: [one for one in bus.get("/bus/clients") if one["name"] == "liar"])
    assert found[0]["user_is_proven"] is False


def test_on_a_unix_socket_the_kernel_says_who_it_is(broker):
    with Bus(broker, username="somebody_else") as bus:
        (client,) = bus.get("/bus/clients")
    assert (client["user"], client["user_is_proven"]) == (pwd.getpwuid(os.getuid()).pw_name, True)
    assert client["address"] == f"pid {os.getpid()}"


class TestCommands:
    def test_keygen_makes_a_pair_and_says_where(self, run, folder):
        result = run("ess_bus.broker.command", "keygen", "alice", "--folder", folder / "keys")
        assert result.returncode == 0
        secret, public = result.stdout.splitlines()
        assert secret.startswith(f"secret  {folder}/keys/alice.key_secret  (")
        assert public.startswith(f"public  {folder}/keys/alice.key  (")
        assert keys.load_pair(folder / "keys" / "alice.key_secret").secret.decode() not in result.stdout
        again = run("ess_bus.broker.command", "keygen", "alice", "--folder", folder / "keys")
        assert again.returncode == 1
        assert again.stderr.startswith(f"fims_server: {folder}/keys/alice.key: exists already, and a key is never")
        assert len(again.stderr.splitlines()) == 1

    def test_keygen_has_a_folder_of_its_own(self, run, folder, environment):
        environment["XDG_CONFIG_HOME"] = str(folder / "config")
        assert run("ess_bus.broker.command", "keygen", "alice").returncode == 0
        assert (folder / "config" / "ess-bus" / "alice.key_secret").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["--curve-secret", "x"], "--curve-secret and --clients need each other"),
            (["--clients", "x"], "--curve-secret and --clients need each other"),
            (["--audit-required"], "--audit-required is of no use without --audit"),
            (["keygen"], "Missing argument 'NAME'"),
            (["keygem"], "No such command 'keygem'"),
            (["--bus", "tcp://127.0.0.1:4000", "--group", "0"], "--group is for ipc://PATH"),
        ],
    )
    def test_wrong_usage(self, run, arguments, problem):
        result = run("ess_bus.broker.command", *arguments)
        assert result.returncode == 2
        assert problem in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_keys_are_not_for_unix_sockets(self, site, run):
        keyed = ("--curve-secret", site.folder / "site.key_secret", "--clients", site.clients)
        result = run("ess_bus.broker.command", "--bus", f"ipc://{site.folder}/b.sock", *keyed)
        assert result.returncode == 2
        assert "the kernel says who connects" in result.stderr
