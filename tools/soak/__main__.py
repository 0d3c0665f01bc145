"""``python -m tools.soak``."""

from __future__ import annotations

from tools.soak.command import main

main()
