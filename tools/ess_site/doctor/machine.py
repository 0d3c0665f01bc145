"""What the machine itself must offer: a clock, room on its disks, and folders that are this user's own."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ess_bus.endpoint import runtime_folder
from tools.ess_site.doctor.finding import Finding, note, ok, unknown, wrong

# adjtimex(2): the kernel's clock is not disciplined by anything.
_STATUS_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
# struct timex: five longs before `status` (modes is padded to one), 208 bytes in all.
_LONGS_BEFORE_STATUS: Final = 5
_TIMEX_BYTES: Final = 256
# A clock that lost its battery begins again long before this program was written (1 Jan 2024, UTC).
_OLDEST_S: Final = 1_704_067_200
_STOOD_S: Final = 1.0
_LEAST_FREE_BYTES: Final = 100 << 20
_LOW_FREE: Final = 0.05


def clock() -> Iterator[Finding]:
    """Yield what there is to say of the clocks."""
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < _OLDEST_S:
        yield wrong("clock", f"it is set to {shown}", "set it (timedatectl set-time), and have it kept by NTP")
    match _is_disciplined():
        case True:
            yield ok("clock", f"{shown}, kept by NTP or the like")
        case False:
            yield note(
                "clock", f"{shown}, not synchronized", "start an NTP client: timedatectl set-ntp true, or chrony"
            )
        case None:
            yield unknown("clock", f"{shown}; whether it is synchronized cannot be seen here")
    if hasattr(time, "CLOCK_BOOTTIME"):
        stood_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        if stood_s > _STOOD_S:
            text = f"this machine was suspended for {stood_s:.0f} s in all since it was started"
            yield note("clock", text, "switch suspending off: systemctl mask sleep.target suspend.target")


def _is_disciplined() -> bool | None:
    """Ask the kernel whether something keeps its clock right; ``None`` if it does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    if state < 0:
        return None
    at = _LONGS_BEFORE_STATUS * ctypes.sizeof(ctypes.c_long)
    status = ctypes.c_int.from_buffer(buffer, at).value
    return state != _TIME_ERROR and not status & _STATUS_UNSYNC


def disk(what: str, folder: Path) -> Finding:
    """Return how much room there is where `folder` is, or will be."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        usage = shutil.disk_usage(there)
        inodes = os.statvfs(there)
    except OSError as error:
        return unknown(what, f"{there}: {error.strerror}")
    text = f"{_size(usage.free)} free of {_size(usage.total)} at {there}"
    if not os.access(there, os.W_OK):
        return wrong(what, f"{there} cannot be written by this user", f"chown it, or run as its owner: ls -ld {there}")
    if usage.free < _LEAST_FREE_BYTES:
        return wrong(what, text, "make room: journalctl --vacuum-size=200M, and look for old audit trails and dumps")
    if usage.free < _LOW_FREE * usage.total:
        return note(what, text, "make room before it is full")
    if inodes.f_files and not inodes.f_favail:
        return wrong(what, f"no inodes are left at {there}", "remove files; df -i shows how many there are")
    return ok(what, text)


def runtime() -> Iterator[Finding]:
    """Yield whether the folder of this user's sockets is, or can be, there for this user alone."""
    folder, what = runtime_folder(), "runtime folder"
    try:
        found = folder.lstat()
    except FileNotFoundError:
        yield _can_be_made(what, folder)
        return
    except OSError as error:
        yield wrong(what, f"{folder}: {error.strerror}", f"see who may enter {folder.parent}")
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        yield wrong(what, f"{folder} is not a folder", f"remove it: rm {folder}")
    elif found.st_uid != os.getuid():
        yield wrong(what, f"{folder} belongs to user {found.st_uid}", "run as that user, or set XDG_RUNTIME_DIR")
    elif mode & 0o077:
        yield wrong(what, f"others may use {folder} (mode {mode:04o})", f"chmod 700 {folder}")
    else:
        yield ok(what, f"{folder}, mode {mode:04o}")


def _can_be_made(what: str, folder: Path) -> Finding:
    there = next(one for one in folder.parents if one.exists())
    if os.access(there, os.W_OK | os.X_OK):
        return ok(what, f"{folder} is not there yet, and can be made")
    reason = os.strerror(errno.EACCES).lower()
    return wrong(what, f"{folder} cannot be made in {there}: {reason}", "set XDG_RUNTIME_DIR to a folder of your own")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, unit
    else:
        unit = "TB"
    return f"{size:.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"
