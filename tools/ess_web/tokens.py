"""The tokens that open the dashboard: from a file that only its owner can read, or new ones for this run."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from ess_bus.configuration import read_toml
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.hints import did_you_mean
from ess_bus.keys import require_mode
from tools.ess_web.access import Role

MIN_LENGTH: Final = 16
_EXAMPLE: Final = 'expected lines such as operator = "..." and viewer = "..."'


def new_tokens() -> dict[Role, str]:
    """Return tokens that nobody can guess."""
    return {role: secrets.token_urlsafe(24) for role in Role}


def read_tokens(path: Path) -> dict[Role, str]:
    """Read a file of tokens, TOML: ``operator = "..."``, ``viewer = "..."``, one of them or both.

    Raises:
        ConfigurationError: others can read it, or it says something else; the text never holds a token.
    """
    require_mode(path, 0o077, f"others can read these tokens; chmod 600 {path}")
    content = read_toml(path)
    tokens = {role: content[role] for role in Role if role in content}
    problems = [Problem(name[:40], f"no such role{did_you_mean(name, Role)}") for name in content if name not in tokens]
    for role, token in tokens.items():
        if not isinstance(token, str) or len(token) < MIN_LENGTH or not token.isprintable():
            problems.append(Problem(role, f"expected a text of at least {MIN_LENGTH} characters"))
    if not tokens:
        problems.append(Problem("", f"no token; {_EXAMPLE}"))
    if len(set(map(str, tokens.values()))) < len(tokens):
        problems.append(Problem("viewer", "the same token as the operator's; each role needs its own"))
    if problems:
        raise ConfigurationError(path, problems)
    return tokens
