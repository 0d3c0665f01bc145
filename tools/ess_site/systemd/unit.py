"""`Unit`: one service, and the text of its file; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tools.ess_site.systemd import words

# Every process gives a sign of life each second; a machine may be busy, but not for so long.
WATCHDOG_S: Final = 15
# Sockets below /run/ess-bus, settings below /var/lib/ess-bus: where processes look by these variables.
FOLDER: Final = "ess-bus"
SYSTEM_ENVIRONMENT: Final = {"XDG_RUNTIME_DIR": "/run", "XDG_STATE_HOME": "/var/lib"}
_SERIAL_DEVICES: Final = ("char-ttyS", "char-ttyUSB", "char-ttyACM", "char-ttyAMA")

# What works for the services of a user, too: nothing of it needs a namespace.
_SANDBOX: Final = """\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
# A broker gives its socket to a group.
SystemCallFilter=@chown
SystemCallErrorNumber=EPERM
UMask=0077
"""
_SYSTEM_SANDBOX: Final = """\
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
RemoveIPC=yes
"""


@dataclass(frozen=True, slots=True)
class Manager:
    """Whose services they are.

    Attributes:
        is_user: those of one user (``systemctl --user``), not of the machine.
        run_as: the user that the machine's services run as.
        reads_home: whether they need files of somebody's home.
    """

    is_user: bool = False
    run_as: str = FOLDER
    reads_home: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """One process as a service.

    Attributes:
        name: the name of its file.
        description: a line for people.
        command: the words of its command line.
        environment: variables that it gets.
        after: units that must be ready before it starts.
        wants: of these, those that are to be started with it.
        target: the target that it belongs to; ``None`` for the system's own.
        folder: where relative paths on its command line begin; ``None`` for /.
        writes: folders that it writes to, beside its own ones.
        has_serial: whether it may open serial lines.
        binds_low: whether it listens on a port below 1024.
    """

    name: str
    description: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    target: str | None = None
    folder: str | None = None
    writes: tuple[str, ...] = ()
    has_serial: bool = False
    binds_low: bool = False

    def text(self, manager: Manager) -> str:
        """Return the content of its file."""
        sections = (self._unit(), self._service(manager), self._install(manager))
        return "\n".join("\n".join(section) + "\n" for section in sections)

    def _unit(self) -> Iterator[str]:
        yield "[Unit]"
        yield f"Description={words.text(self.description)}"
        if self.wants:
            yield f"Wants={' '.join(self.wants)}"
        if self.after:
            yield f"After={' '.join(self.after)}"
        if self.target:
            yield f"PartOf={self.target}"
        # A process that cannot start is tried for ever: what it lacks may come back at any time.
        yield "StartLimitIntervalSec=0"

    def _service(self, manager: Manager) -> Iterator[str]:
        environment = {"PYTHONUNBUFFERED": "1", **({} if manager.is_user else SYSTEM_ENVIRONMENT), **self.environment}
        yield "[Service]"
        yield "Type=notify"
        yield f"ExecStart={words.command_line(self.command)}"
        yield from (f"Environment={words.assignment(name, value)}" for name, value in environment.items())
        if self.folder is not None:
            yield f"WorkingDirectory={words.text(self.folder)}"
        yield f"WatchdogSec={WATCHDOG_S}"
        yield "Restart=always"
        yield "RestartSec=2"
        yield "# A command line that is wrong does not become right by itself."
        yield "RestartPreventExitStatus=2"
        yield "TimeoutStopSec=10"
        yield ""
        if not manager.is_user:
            yield from self._of_the_system(manager)
        yield from _SANDBOX.splitlines()

    def _of_the_system(self, manager: Manager) -> Iterator[str]:
        yield f"User={manager.run_as}"
        yield f"RuntimeDirectory={FOLDER}"
        yield "RuntimeDirectoryMode=0700"
        yield "# Others have their sockets there."
        yield "RuntimeDirectoryPreserve=yes"
        yield f"StateDirectory={FOLDER}"
        yield "StateDirectoryMode=0700"
        if self.writes:
            yield f"ReadWritePaths={' '.join(map(words.quoted, self.writes))}"
        home = "read-only" if manager.reads_home else "yes"
        capabilities = "CAP_NET_BIND_SERVICE" if self.binds_low else ""
        yield from _SYSTEM_SANDBOX.format(home=home, capabilities=capabilities).splitlines()
        if self.has_serial:
            yield "SupplementaryGroups=dialout"
            yield "DevicePolicy=closed"
            yield from (f"DeviceAllow={device} rw" for device in _SERIAL_DEVICES)
        else:
            yield "PrivateDevices=yes"

    def _install(self, manager: Manager) -> Iterator[str]:
        yield "[Install]"
        yield f"WantedBy={self.target or _target_of(manager)}"


def target_text(description: str, members: tuple[str, ...], manager: Manager) -> str:
    """Return the content of a target's file, which starts and stops its members together."""
    lines = ["[Unit]", f"Description={words.text(description)}", f"Wants={' '.join(members)}", ""]
    return "\n".join([*lines, "[Install]", f"WantedBy={_target_of(manager)}", ""])


def _target_of(manager: Manager) -> str:
    return "default.target" if manager.is_user else "multi-user.target"
