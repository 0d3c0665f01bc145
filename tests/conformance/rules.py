"""The rules of docs/wire.md by name: each test says which of them it checks."""

from __future__ import annotations

import pytest


def rule(*names: str) -> pytest.MarkDecorator:
    """Say which rules a test checks."""
    return pytest.mark.rule(*names)
