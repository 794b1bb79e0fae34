"""Issues and what hangs on them, in one SQLite file, together with the log of requests.

One connection serves all threads behind one lock, held for a whole ``transaction``: handlers see and leave a whole
state, and what a refused call wrote is rolled back. Once ``transaction`` has returned, a kill loses nothing.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2  # part of the file's name: state of another version is left alone
SCHEMA = """
CREATE TABLE IF NOT EXISTS issue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, project TEXT NOT NULL, number INTEGER NOT NULL,
    issuetype TEXT NOT NULL, status TEXT NOT NULL, priority TEXT NOT NULL, resolution TEXT, assignee TEXT,
    reporter TEXT NOT NULL, summary TEXT NOT NULL,
    description TEXT,                    -- as JSON: the string or the document that was sent
    description_text TEXT NOT NULL DEFAULT '',
    duedate TEXT, custom TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL, updated INTEGER NOT NULL, resolved INTEGER,
    hidden_until INTEGER NOT NULL DEFAULT 0,    -- a search does not see the issue before this time,
    hidden_searches INTEGER NOT NULL DEFAULT 0  -- nor in its next so many searches
);
CREATE TABLE IF NOT EXISTS label (issue INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (issue, label));
CREATE INDEX IF NOT EXISTS label_by_name ON label (label);
CREATE TABLE IF NOT EXISTS counter (project TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL,
    body_text TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS property (
    owner TEXT NOT NULL, owner_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (owner, owner_id, key)
);
CREATE TABLE IF NOT EXISTS link (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, inward INTEGER NOT NULL, outward INTEGER NOT NULL,
    UNIQUE (type, inward, outward)
);
CREATE TABLE IF NOT EXISTS remote_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, global_id TEXT, body TEXT NOT NULL,
    UNIQUE (issue, global_id)
);
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL,
    items TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    body TEXT NOT NULL, status INTEGER NOT NULL, fault TEXT NOT NULL
);
"""
TABLES = ("issue", "label", "counter", "comment", "property", "link", "remote_link", "history", "request")
# Jira's ids have five digits or more: who takes an id for the number in a key shall fail.
FIRST_IDS = {"issue": 10_000, "comment": 20_000, "link": 30_000, "remote_link": 40_000, "history": 50_000}

Row = sqlite3.Row


def now_ms() -> int:
    """Now, in milliseconds since 1970: the unit of every time in the store."""
    return time.time_ns() // 1_000_000


class Store:
    """The state of one Jira. Rows come back as ``sqlite3.Row``; JSON columns are decoded by who reads them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            folder / f"jira-{SCHEMA_VERSION}.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        with self.transaction():
            self._start_ids()

    def _start_ids(self) -> None:
        for table, last_id in FIRST_IDS.items():
            self.write(
                "INSERT INTO sqlite_sequence (name, seq) SELECT :table, :id "
                "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table)",
                {"table": table, "id": last_id},
            )

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else in between."""
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """The first row of a query, if there is one."""
        with self._lock:
            row: Row | None = self._db.execute(sql, parameters).fetchone()
            return row

    def write(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one statement; return the id of the row that it inserted (meaningless for other statements)."""
        with self._lock:
            return self._db.execute(sql, parameters).lastrowid or 0

    def erase(self) -> None:
        """Forget everything: issues, counters and the log."""
        with self.transaction():
            for table in TABLES:
                self.write(f"DELETE FROM {table}")  # noqa: S608 - our own table names
            self.write("DELETE FROM sqlite_sequence")
            self._start_ids()

    # issues

    def add_issue(self, project: str, values: Mapping[str, Any], labels: Sequence[str]) -> Row:
        """Insert an issue under the next key of its project; ``values`` are columns of the issue table."""
        number_row = self.row(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number",
            [project],
        )
        assert number_row is not None  # noqa: S101 - RETURNING always returns
        columns = {
            "key": f"{project}-{number_row['number']}",
            "project": project,
            "number": number_row["number"],
            **values,
        }
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        issue_id = self.write(f"INSERT INTO issue ({names}) VALUES ({marks})", columns)  # noqa: S608 - our column names
        self.set_labels(issue_id, labels)
        return self.issue(issue_id)

    def find_issue(self, id_or_key: str) -> Row | None:
        """The issue with this id or key (in any case), if there is one."""
        if id_or_key.isdigit():
            return self.row("SELECT * FROM issue WHERE id = ?", [int(id_or_key)])
        return self.row("SELECT * FROM issue WHERE key = ?", [id_or_key.upper()])

    def issue(self, issue_id: int) -> Row:
        """The issue with this id, which is known to exist."""
        found = self.row("SELECT * FROM issue WHERE id = ?", [issue_id])
        assert found is not None  # noqa: S101 - promised by the caller
        return found

    def change_issue(self, issue_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of an issue, and touch it."""
        columns = {**values, "updated": now_ms()}
        assignments = ", ".join(f"{name} = :{name}" for name in columns)
        self.write(f"UPDATE issue SET {assignments} WHERE id = :id", {**columns, "id": issue_id})  # noqa: S608 - ours

    def delete_issue(self, issue_id: int) -> None:
        """Delete an issue with all that hangs on it. Its key is not used again."""
        self.write(
            "DELETE FROM property WHERE owner = 'comment' AND owner_id IN (SELECT id FROM comment WHERE issue = ?)",
            [issue_id],
        )
        self.write("DELETE FROM property WHERE owner = 'issue' AND owner_id = ?", [issue_id])
        self.write("DELETE FROM link WHERE inward = ? OR outward = ?", [issue_id, issue_id])
        for table in ("label", "comment", "remote_link", "history"):
            self.write(f"DELETE FROM {table} WHERE issue = ?", [issue_id])  # noqa: S608 - our own table names
        self.write("DELETE FROM issue WHERE id = ?", [issue_id])

    def labels(self, issue_id: int) -> list[str]:
        """The labels of an issue, sorted as Jira sorts them."""
        return [row["label"] for row in self.rows("SELECT label FROM label WHERE issue = ? ORDER BY label", [issue_id])]

    def set_labels(self, issue_id: int, labels: Sequence[str]) -> None:
        """Replace the labels of an issue."""
        self.write("DELETE FROM label WHERE issue = ?", [issue_id])
        for label in set(labels):
            self.write("INSERT INTO label VALUES (?, ?)", [issue_id, label])

    def add_history(self, issue_id: int, author: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Note what a person changed, as Jira's changelog tells it."""
        if items:
            self.write(
                "INSERT INTO history (issue, author, at, items) VALUES (?, ?, ?, ?)",
                [issue_id, author, now_ms(), json.dumps(items)],
            )

    # comments

    def add_comment(self, issue_id: int, author: str, body: Any, text: str) -> Row:
        """Insert a comment; ``body`` is the string or the document that was sent, ``text`` what a search sees of it."""
        at = now_ms()
        comment_id = self.write(
            "INSERT INTO comment (issue, author, body, body_text, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
            [issue_id, author, json.dumps(body), text, at, at],
        )
        self.change_issue(issue_id, {})
        found = self.row("SELECT * FROM comment WHERE id = ?", [comment_id])
        assert found is not None  # noqa: S101 - just inserted
        return found

    def comments(self, issue_id: int) -> list[Row]:
        """The comments of an issue, oldest first."""
        return self.rows("SELECT * FROM comment WHERE issue = ? ORDER BY id", [issue_id])

    # properties, of issues and of comments

    def set_property(self, owner: str, owner_id: int, key: str, value: Any) -> bool:
        """Set a property; return whether it is new."""
        is_new = self.property(owner, owner_id, key) is None
        self.write("INSERT OR REPLACE INTO property VALUES (?, ?, ?, ?)", [owner, owner_id, key, json.dumps(value)])
        return is_new

    def property(self, owner: str, owner_id: int, key: str) -> Row | None:
        """One property, if it is set."""
        return self.row("SELECT * FROM property WHERE owner = ? AND owner_id = ? AND key = ?", [owner, owner_id, key])

    def properties(self, owner: str, owner_id: int) -> list[Row]:
        """All properties of an issue or a comment."""
        return self.rows("SELECT * FROM property WHERE owner = ? AND owner_id = ? ORDER BY key", [owner, owner_id])

    # the log

    def log_request(self, method: str, path: str, body: str, status: int, fault: str) -> None:
        """Note a request, after it was answered or dropped (status 0)."""
        self.write(
            "INSERT INTO request (at, method, path, body, status, fault) VALUES (?, ?, ?, ?, ?, ?)",
            [now_ms(), method, path, body, status, fault],
        )
