import os
import traceback

import pytest
import zmq
import zmq.auth

from ess_bus import keys
from ess_bus.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_keys_of_ours(monkeypatch):
    monkeypatch.delenv(keys.KEY_VARIABLE, raising=False)
    monkeypatch.delenv(keys.SERVER_KEY_VARIABLE, raising=False)


@pytest.fixture
def alice(tmp_path):
    return keys.generate("alice", tmp_path)


class TestGenerate:
    def test_makes_a_pair_of_files_that_pyzmq_reads_too(self, tmp_path, alice):
        public, secret = alice
        assert (public, secret) == (tmp_path / "alice.key", tmp_path / "alice.key_secret")
        pair = keys.load_pair(secret)
        assert zmq.auth.load_certificate(secret) == tuple(pair)
        assert zmq.auth.load_certificate(public) == (pair.public, None)
        assert keys.load_public(str(public)) == pair.public

    def test_the_secret_is_its_owners_alone_whatever_the_umask(self, tmp_path):
        mask = os.umask(0)
        try:
            public, secret = keys.generate("alice", tmp_path / "new")
        finally:
            os.umask(mask)
        assert secret.stat().st_mode & 0o777 == 0o600
        assert public.stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700

    def test_the_public_file_does_not_hold_the_secret(self, alice):
        public, secret = alice
        assert keys.load_pair(secret).secret.decode() not in public.read_text()

    def test_two_pairs_differ(self, tmp_path, alice):
        other = keys.generate("bob", tmp_path)
        assert keys.load_pair(other[1]) != keys.load_pair(alice[1])

    @pytest.mark.parametrize("there", [0, 1])
    def test_never_overwrites(self, alice, tmp_path, there):
        kept, lost = alice[there], alice[1 - there]
        before = kept.read_bytes()
        lost.unlink()
        with pytest.raises(ConfigurationError, match=f"{kept.name}: exists already, and a key is never overwritten"):
            keys.generate("alice", tmp_path)
        assert kept.read_bytes() == before
        assert not lost.exists()

    def test_follows_no_link(self, tmp_path):
        (tmp_path / "alice.key_secret").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ConfigurationError, match="exists already"):
            keys.generate("alice", tmp_path)
        assert not (tmp_path / "elsewhere").exists()

    @pytest.mark.parametrize("name", ["", "../alice", "a b", ".alice", "a\n", "ä"])
    def test_refuses_what_is_no_name(self, tmp_path, name):
        with pytest.raises(ConfigurationError, match="not a name for a key"):
            keys.generate(name, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_says_why_a_folder_cannot_be_used(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigurationError, match="file"):
            keys.generate("alice", tmp_path / "file")


class TestLoad:
    @pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o644])
    def test_refuses_a_secret_that_others_can_read_or_write(self, alice, mode):
        alice[1].chmod(mode)
        with pytest.raises(ConfigurationError, match="others can read this secret key; expected `chmod 600`"):
            keys.load_pair(alice[1])

    def test_refuses_the_public_file_as_a_pair(self, alice):
        alice[0].chmod(0o600)
        with pytest.raises(ConfigurationError, match="there is no secret key in this file"):
            keys.load_pair(alice[0])

    def test_refuses_halves_that_do_not_belong_together(self, alice, tmp_path):
        other = keys.load_pair(keys.generate("bob", tmp_path)[1])
        own = keys.load_pair(alice[1])
        text = alice[1].read_text().replace(own.public.decode(), other.public.decode())
        alice[1].write_text(text)
        with pytest.raises(ConfigurationError, match="do not belong together"):
            keys.load_pair(alice[1])

    @pytest.mark.parametrize(
        ("wrong", "problem"),
        [
            (b'curve\n  public-key = "short"\n', "the public-key is not 40 characters of Z85"),
            (b'curve\n  public-key = "' + b"#" * 40 + b'"\n', "the public-key is not 40 characters of Z85"),
            (b'curve\n  public-key = "' + b"\xc3\xa4" * 40 + b'"\n', "the public-key is not 40 characters of Z85"),
            (b"\xff\xfe", "not UTF-8 text"),
            (b"", "there is no public key in this file"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, tmp_path, wrong, problem):
        path = tmp_path / "x.key"
        path.write_bytes(wrong)
        with pytest.raises(ConfigurationError, match=problem):
            keys.load_public(str(path))

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"none\.key: no such file"):
            keys.load_public(str(tmp_path / "none.key"))
        with pytest.raises(ConfigurationError, match=r"none\.key_secret: no such file"):
            keys.load_pair(tmp_path / "none.key_secret")

    def test_a_public_key_can_be_given_as_it_is(self, alice):
        public = keys.load_pair(alice[1]).public
        assert keys.load_public(public.decode()) == public

    def test_no_text_shows_a_secret(self, alice):
        pair = keys.load_pair(alice[1])
        client = keys.ClientKeys(pair, pair.public)
        secret = pair.secret.decode()
        assert secret not in repr(pair) + str(pair) + f"{client}" + repr([client])
        # A secret that lost a character must not be quoted by the error about it.
        alice[1].write_text(alice[1].read_text().replace(secret, secret[:-1]))
        with pytest.raises(ConfigurationError) as caught:
            keys.load_pair(alice[1])
        told = "".join(traceback.format_exception(caught.value))
        assert secret[:-1] not in told
        assert "secret-key is not 40 characters" in told


class TestClients:
    def test_a_folder_names_the_keys_by_its_files(self, tmp_path):
        pairs = {name: keys.load_pair(keys.generate(name, tmp_path)[1]) for name in ("alice", "ess.1")}
        (tmp_path / "notes.txt").write_text("not a key")
        assert keys.load_clients(tmp_path) == {pair.public: name for name, pair in pairs.items()}

    def test_a_file_names_them_itself(self, tmp_path, alice):
        public = keys.load_pair(alice[1]).public
        path = tmp_path / "clients.toml"
        path.write_text(f'alice = "{public.decode()}"\n')
        assert keys.load_clients(path) == {public: "alice"}

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", 'no lines NAME = "public key", so no client could connect'),
            ("alice = 1", "alice: expected a public key of 40 characters in quotes"),
            ('alice = "abc"', "alice: expected a public key of 40 characters in quotes"),
            ('"a b" = "abc"', "'a b' is not a name for a key"),
            ("alice", "not TOML"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, tmp_path, text, problem):
        path = tmp_path / "clients.toml"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=problem):
            keys.load_clients(path)

    def test_an_empty_folder_would_let_nobody_in(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"no files \*\.key in this folder, so no client could connect"):
            keys.load_clients(tmp_path)

    def test_a_key_has_one_name(self, tmp_path, alice):
        (tmp_path / "bob.key").write_bytes(alice[0].read_bytes())
        with pytest.raises(ConfigurationError, match="alice and bob have the same key"):
            keys.load_clients(tmp_path)

    def test_what_others_can_write_is_no_allow_list(self, tmp_path, alice):
        alice[0].chmod(0o666)
        with pytest.raises(ConfigurationError, match=r"alice\.key: others can change it"):
            keys.load_clients(tmp_path)
        alice[0].chmod(0o644)
        tmp_path.chmod(0o777)
        with pytest.raises(ConfigurationError, match="others can add keys to it"):
            keys.load_clients(tmp_path)


class TestEnvironment:
    def test_nothing_set_means_no_keys(self, monkeypatch):
        assert keys.of_environment() is None
        monkeypatch.setenv(keys.KEY_VARIABLE, "")
        assert keys.of_environment() is None

    def test_both_set(self, monkeypatch, tmp_path, alice):
        site = keys.generate("site", tmp_path)
        monkeypatch.setenv(keys.KEY_VARIABLE, str(alice[1]))
        monkeypatch.setenv(keys.SERVER_KEY_VARIABLE, str(site[0]))
        expected = keys.ClientKeys(keys.load_pair(alice[1]), keys.load_pair(site[1]).public)
        assert keys.of_environment() == expected

    @pytest.mark.parametrize("one", [keys.KEY_VARIABLE, keys.SERVER_KEY_VARIABLE])
    def test_one_without_the_other_is_a_mistake(self, monkeypatch, alice, one):
        other = {keys.KEY_VARIABLE, keys.SERVER_KEY_VARIABLE} - {one}
        monkeypatch.setenv(one, str(alice[1]))
        with pytest.raises(ConfigurationError, match=f"{one}: is set and {other.pop()} is not"):
            keys.of_environment()
