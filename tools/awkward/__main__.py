"""``python -m tools.awkward``."""

from __future__ import annotations

from tools.awkward.command import main

main()
