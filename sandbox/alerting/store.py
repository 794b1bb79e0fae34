"""Documents by kind and id, kept in one SQLite file: written before a call returns, so that a restart finds them."""

import json
import sqlite3
import threading
from pathlib import Path

from sandbox.alerting.values import Json

SCHEMA = """
create table if not exists document (kind text, id text, body text not null, primary key (kind, id)) without rowid;
create table if not exists counter (name text primary key, value integer not null) without rowid;
"""


class Store:
    """One folder's state. Safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(folder / "alerting.sqlite3", check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")  # survives our own death; the machine's need not be
        self._database.executescript(SCHEMA)

    def read(self, kind: str) -> dict[str, Json]:
        """Every document of a kind, by id."""
        with self._lock:
            rows = self._database.execute("select id, body from document where kind = ?", (kind,)).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def write(self, kind: str, key: str, body: Json) -> None:
        with self._lock:
            self._database.execute("insert or replace into document values (?, ?, ?)", (kind, key, json.dumps(body)))

    def remove(self, kind: str, key: str) -> None:
        with self._lock:
            self._database.execute("delete from document where kind = ? and id = ?", (kind, key))

    def count(self, name: str, step: int = 1) -> int:
        """Take `step` numbers from a counter that starts at 0, and return the first of them."""
        with self._lock:
            (after,) = self._database.execute(
                "insert into counter values (?1, ?2) on conflict do update set value = value + ?2 returning value",
                (name, step),
            ).fetchone()
        return int(after) - step

    def close(self) -> None:
        with self._lock:
            self._database.close()
