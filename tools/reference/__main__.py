"""``python -m tools.reference``."""

from tools.reference.command import main

main()
