"""The version of what is installed."""

from __future__ import annotations


def installed() -> str:
    """Return the version; it is unknown where the files of the package are there, and what describes it is not."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and only for those who are asked

    try:
        return version("ess-bus")
    except (PackageNotFoundError, OSError):
        return "unknown"


def line(name: str) -> str:
    """Return what ``--version`` of a command prints."""
    return f"{name} (ess-bus) {installed()}"
