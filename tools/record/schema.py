"""The tables of a recording.

A bus repeats itself: what all messages of one sender to one URI share stands once, in `topic`, together with the first
of their bodies, which the others are packed against (`packing`). Answers go to URIs that are used once: they share a
topic without a URI, and where they went stands in their `replyto`.
"""

from __future__ import annotations

from typing import Final

# Marks the file (``PRAGMA application_id``): "essr"; and the version of these tables (``PRAGMA user_version``).
APPLICATION: Final = 0x65737372
VERSION: Final = 1
TABLES: Final = {
    "run": "CREATE TABLE run (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, source TEXT NOT NULL,"
    " uris TEXT NOT NULL) STRICT",
    "topic": "CREATE TABLE topic (id INTEGER PRIMARY KEY, method TEXT NOT NULL, uri TEXT NOT NULL,"
    " process TEXT NOT NULL, username TEXT NOT NULL, status TEXT NOT NULL, sample BLOB,"
    " UNIQUE (uri, method, process, username, status)) STRICT",
    "message": "CREATE TABLE message (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, topic INTEGER NOT NULL,"
    " at INTEGER NOT NULL, elapsed INTEGER NOT NULL, replyto TEXT, token TEXT, size INTEGER, body BLOB) STRICT",
    "gap": "CREATE TABLE gap (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER NOT NULL, lost INTEGER,"
    " reason TEXT NOT NULL) STRICT",
}
# Where nothing is set, the column holds this: NULLs would count as different in a UNIQUE.
NONE: Final = ""
