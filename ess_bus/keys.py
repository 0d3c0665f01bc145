"""Keys for CURVE on TCP: who this process is, which broker it trusts, and which clients a broker lets in.

A pair of certificate files is ``NAME.key``, which may be copied anywhere, and ``NAME.key_secret``, which is its owner's
alone. Their format is that of `zmq.auth` and CZMQ. On ``ipc://`` no keys are used: the kernel says who connects.

Sources: RFC 26/CurveZMQ, RFC 27/ZAP; peers' habits for key files: ssh(1), which refuses a secret that others can read.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from ess_bus.errors import ConfigurationError, Problem

KEY_VARIABLE: Final = "ESS_BUS_KEY"
SERVER_KEY_VARIABLE: Final = "ESS_BUS_SERVER_KEY"
PUBLIC_SUFFIX: Final = ".key"
SECRET_SUFFIX: Final = ".key_secret"  # noqa: S105 - the end of a file name

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# RFC 32/Z85: five characters are four bytes, and a key is 32 of them.
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_KEY_LENGTH: Final = 40
_FIELD: Final = re.compile(r"\s*(public-key|secret-key)\s*=\s*[\"'](.*)[\"']\s*")
_NOTE_ON_PRIVATE: Final = (
    "# The SECRET key of {name}, made {made}. Whoever has it is {name}: it must not leave this machine.\n"
)
_NOTE_ON_PUBLIC: Final = "# The public key of {name}, made {made}. It may be copied anywhere.\n"


class Pair(NamedTuple):
    """The key pair of one process, as Z85 text."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret: a pair that lands in a log or a traceback must not give it away."""
        return f"Pair(public={self.public!r})"


class ClientKeys(NamedTuple):
    """What a client needs: its own pair, and the public key of the only broker that it will talk to."""

    own: Pair
    server: bytes


class ServerKeys(NamedTuple):
    """What a broker needs: its own pair, and public key -> name of the clients that it lets in."""

    own: Pair
    clients: Mapping[bytes, str]


def default_folder() -> Path:
    """Return this user's folder for keys."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "ess-bus"


def generate(name: str, folder: Path) -> tuple[Path, Path]:
    """Make a key pair in `folder` and return the paths of its public and its secret file.

    Raises:
        ConfigurationError: the name cannot be one, or a file is there already: a key is never overwritten.
    """
    import zmq  # not at the top: most commands need no keys

    _name("keygen", name)
    secret_file, public_file = folder / f"{name}{SECRET_SUFFIX}", folder / f"{name}{PUBLIC_SUFFIX}"
    public, secret = (key.decode() for key in zmq.curve_keypair())
    made = time.strftime("%Y-%m-%d")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(public_file, 0o644, _NOTE_ON_PUBLIC.format(name=name, made=made), {"public-key": public})
        try:
            pair = {"public-key": public, "secret-key": secret}
            _write(secret_file, 0o600, _NOTE_ON_PRIVATE.format(name=name, made=made), pair)
        except OSError:
            public_file.unlink()
            raise
    except FileExistsError as error:
        _fail(error.filename, "exists already, and a key is never overwritten; move it away or choose another name")
    except OSError as error:
        _fail(error.filename or folder, (error.strerror or str(error)).lower())
    return public_file, secret_file


def load_pair(path: Path) -> Pair:
    """Read a secret certificate.

    Raises:
        ConfigurationError: it cannot be read, others can read it, or it is no pair.
    """
    found = _read(path, secret=True)
    if "secret-key" not in found:
        _fail(path, f"there is no secret key in this file; expected a file {SECRET_SUFFIX} of `fims_server keygen`")
    import zmq

    pair = Pair(found.get("public-key", "").encode(), found["secret-key"].encode())
    if zmq.curve_public(pair.secret) != pair.public:
        _fail(path, "the public and the secret key of this file do not belong together")
    return pair


def load_public(text: str) -> bytes:
    """Return the public key in a certificate file, or the one that `text` itself is.

    Raises:
        ConfigurationError: it is neither.
    """
    if _is_key(text) and not Path(text).exists():
        return text.encode()
    found = _read(Path(text))
    if "public-key" not in found:
        _fail(text, f"there is no public key in this file; expected a file {PUBLIC_SUFFIX} of `fims_server keygen`")
    return found["public-key"].encode()


def load_clients(path: Path) -> Mapping[bytes, str]:
    """Read an allow-list: a folder of ``NAME.key``, or a TOML file of ``NAME = "public key"``. Return key -> name.

    Raises:
        ConfigurationError: it cannot be read, is empty, others can write it, or a key is in it twice.
    """
    require_mode(path, 0o002, "others can add keys to it; expected `chmod o-w`")
    if path.is_dir():
        files = sorted(path.glob(f"*{PUBLIC_SUFFIX}"))
        for file in files:
            require_mode(file, 0o002, "others can change it; expected `chmod o-w`")
        listed = [(_name(path, file.name.removesuffix(PUBLIC_SUFFIX)), load_public(str(file))) for file in files]
    else:
        listed = [(_name(path, name), _listed_key(path, name, key)) for name, key in _table(path).items()]
    if not listed:
        kind = f"no files *{PUBLIC_SUFFIX} in this folder" if path.is_dir() else 'no lines NAME = "public key"'
        _fail(path, f"{kind}, so no client could connect")
    clients: dict[bytes, str] = {}
    for name, key in listed:
        if key in clients:
            _fail(path, f"{clients[key]} and {name} have the same key; expected one name for a key")
        clients[key] = name
    return clients


def of_environment() -> ClientKeys | None:
    """Return the keys that ``ESS_BUS_KEY`` and ``ESS_BUS_SERVER_KEY`` name, or ``None`` if neither is set.

    Raises:
        ConfigurationError: only one is set, or a file cannot be used.
    """
    own, server = os.environ.get(KEY_VARIABLE), os.environ.get(SERVER_KEY_VARIABLE)
    if not own and not server:
        return None
    if not own or not server:
        missing = KEY_VARIABLE if not own else SERVER_KEY_VARIABLE
        there = SERVER_KEY_VARIABLE if not own else KEY_VARIABLE
        _fail(there, f"is set and {missing} is not; a client on CURVE needs its own key and the broker's public key")
    return ClientKeys(load_pair(Path(own)), load_public(server))


def require_mode(path: Path, forbidden: int, problem: str) -> None:
    """Check that a file or folder has none of the permission bits `forbidden`.

    Raises:
        ConfigurationError: it has, or is not there; or it should be private and belongs to somebody else.
    """
    try:
        found = path.stat()
    except OSError as error:
        _fail(path, (error.strerror or str(error)).lower())
    if stat.S_IMODE(found.st_mode) & forbidden:
        _fail(path, problem)
    if forbidden == 0o077 and found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        _fail(path, "this secret key belongs to another user")


def shown(key: bytes) -> str:
    """Return the beginning of a public key, enough for a person to tell keys apart."""
    return f"{key[:8].decode(errors='replace')}..."


def _table(path: Path) -> dict[str, Any]:
    from ess_bus.configuration import read_toml  # with it comes pydantic, which clients do not need

    return read_toml(path)


def _listed_key(path: Path, name: str, key: object) -> bytes:
    if not isinstance(key, str) or not _is_key(key):
        _fail(path, f"{name}: expected a public key of {_KEY_LENGTH} characters in quotes")
    return key.encode()


def _name(source: object, name: str) -> str:
    if not _NAME.fullmatch(name):
        _fail(source, f"{name!r} is not a name for a key; expected letters, digits, '_', '-' and '.'")
    return name


def _is_key(text: str) -> bool:
    if len(text) != _KEY_LENGTH or any(character not in _ALPHABET for character in text):
        return False
    groups = (text[start : start + 5] for start in range(0, _KEY_LENGTH, 5))
    return all(reduce(lambda value, digit: value * 85 + _ALPHABET.index(digit), group, 0) < 1 << 32 for group in groups)


def _read(path: Path, *, secret: bool = False) -> dict[str, str]:
    """Return the fields of a certificate; no message ever shows a part of a line, it could be the secret."""
    if secret:
        require_mode(
            path, 0o077, "others can read this secret key; expected `chmod 600`, and a new key if they may have"
        )
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        _fail(path, "not a certificate file: not UTF-8 text")
    except OSError as error:
        _fail(path, (error.strerror or str(error)).lower())
    found = {match[1]: match[2] for line in lines if (match := _FIELD.fullmatch(line))}
    for field, key in found.items():
        if not _is_key(key):
            _fail(path, f"the {field} is not {_KEY_LENGTH} characters of Z85")
    return found


def _write(path: Path, mode: int, note: str, fields: Mapping[str, str]) -> None:
    # O_EXCL: a link that somebody put there is not followed either. The mode is right from the first moment.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "w") as file:  # noqa: PTH123 - a descriptor
            file.write(note + "\nmetadata\ncurve\n")
            file.writelines(f'    {name} = "{value}"\n' for name, value in fields.items())
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _fail(source: object, message: str) -> NoReturn:
    raise ConfigurationError(source, [Problem("", message)])
