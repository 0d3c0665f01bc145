"""`Page`: one open page: what it shows, listens to, and has yet to be told."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from tools.ess_web.access import Session
from tools.ess_web.mailbox import Mailbox
from tools.ess_web.store import Entry, Store
from tools.ess_web.tap import Tap

MAX_WATCHED: Final = 5000


class Page:
    """Belongs to one stream of one session."""

    def __init__(self, session: Session) -> None:
        self.key = secrets.token_urlsafe(12)
        self.session = session
        self.mailbox: Mailbox[Entry] = Mailbox()
        self.tap: Tap | None = None
        self.wants_broker = False
        self._wanted: tuple[str, ...] = ()
        self._shown: set[Entry] = set()
        self._structure = -1

    def watch(self, uris: Iterable[str], store: Store) -> None:
        """Show exactly these variables; one that is not known yet is shown once it is."""
        self._wanted = tuple(dict.fromkeys(uris))[:MAX_WATCHED]
        self._find(store)
        for entry in self._shown:
            self.mailbox.mark(entry)

    def refresh(self, store: Store) -> None:
        """Look for what was not there, or is another one now."""
        if self._structure != store.structure:
            self._find(store)

    def close(self) -> None:
        """Nobody looks any more."""
        for entry in self._shown:
            entry.watchers.discard(self.mailbox)
        self._shown = set()

    def _find(self, store: Store) -> None:
        self._structure = store.structure
        found = {entry for uri in self._wanted if (entry := store.find(uri)) is not None}
        for entry in self._shown - found:
            entry.watchers.discard(self.mailbox)
            self.mailbox.forget(entry)
        for entry in found - self._shown:
            entry.watchers.add(self.mailbox)
            self.mailbox.mark(entry)
        self._shown = found
