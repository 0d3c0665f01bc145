"""Files that are in use somewhere; they lie beside the project where there is a collection of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def _collection() -> Path:
    """Return the folder of the collection, also seen from a work tree that lies deeper."""
    beside = [parent / "shared" / "data" / "modbus" for parent in Path(__file__).parents]
    return next((path for path in beside if path.is_dir()), beside[1])


SHARED = _collection()
needs_real_files = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no files from the field in {SHARED}")

# An engine's.
ENGINE = SHARED.with_name("ess_controller")
needs_engine_files = pytest.mark.skipif(not ENGINE.is_dir(), reason="the folder of real configurations is not here")


def real_files(*folders: str) -> list[Any]:
    """Return a test parameter for each file in these folders; without a collection one that is skipped."""
    paths = [path for folder in folders for path in sorted((SHARED / folder).glob("*.json"))]
    return [pytest.param(path, id=path.name) for path in paths] or [pytest.param(None, marks=needs_real_files)]
