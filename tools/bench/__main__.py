"""``python -m tools.bench``."""

from __future__ import annotations

from tools.bench.command import main

main()
