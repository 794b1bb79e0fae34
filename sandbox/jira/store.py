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

SCHEMA_VERSION = 3  # part of the file's name: state of another version is left alone
SCHEMA = """
CREATE TABLE IF NOT EXISTS issue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, project TEXT NOT NULL, number INTEGER NOT NULL,
    issuetype TEXT NOT NULL, status TEXT NOT NULL, priority TEXT NOT NULL, resolution TEXT, assignee TEXT,
    reporter TEXT NOT NULL, summary TEXT NOT NULL,
    components TEXT NOT NULL DEFAULT '[]', security TEXT,
    description TEXT,                    -- as JSON: the string or the document that was sent
    description_text TEXT NOT NULL DEFAULT '',
    duedate TEXT, custom TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL, updated INTEGER NOT NULL, resolved INTEGER,
    hidden_until INTEGER NOT NULL DEFAULT 0,    -- a search does not see the issue before this time,
    hidden_searches INTEGER NOT NULL DEFAULT 0  -- nor in its next so many searches
);
CREATE INDEX IF NOT EXISTS issue_hidden ON issue (hidden_searches) WHERE hidden_searches > 0;
CREATE TABLE IF NOT EXISTS former_key (key TEXT PRIMARY KEY, issue INTEGER NOT NULL);  -- of issues that were moved
CREATE TABLE IF NOT EXISTS label (issue INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (issue, label));
CREATE INDEX IF NOT EXISTS label_by_name ON label (label COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS counter (project TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author TEXT NOT NULL, editor TEXT NOT NULL,
    body TEXT NOT NULL, body_text TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS comment_by_issue ON comment (issue);
CREATE TABLE IF NOT EXISTS attachment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author TEXT NOT NULL, created INTEGER NOT NULL,
    filename TEXT NOT NULL, mime_type TEXT NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS attachment_by_issue ON attachment (issue);
CREATE TABLE IF NOT EXISTS property (
    owner TEXT NOT NULL, owner_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (owner, owner_id, key)
);
CREATE TABLE IF NOT EXISTS link (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, inward INTEGER NOT NULL, outward INTEGER NOT NULL,
    UNIQUE (type, inward, outward)
);
CREATE INDEX IF NOT EXISTS link_by_inward ON link (inward);
CREATE INDEX IF NOT EXISTS link_by_outward ON link (outward);
CREATE TABLE IF NOT EXISTS remote_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, global_id TEXT, body TEXT NOT NULL,
    UNIQUE (issue, global_id)
);
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL,
    items TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_by_issue ON history (issue);
CREATE TABLE IF NOT EXISTS webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL,
    events TEXT NOT NULL, jql TEXT NOT NULL, enabled INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    body TEXT NOT NULL, caller TEXT NOT NULL,
    status INTEGER, took_ms INTEGER,     -- null while it is not answered
    fault TEXT NOT NULL
);
"""
# Jira's ids have five digits or more: who takes an id for the number in a key shall fail.
FIRST_IDS = {
    "issue": 10_000,
    "comment": 20_000,
    "link": 30_000,
    "remote_link": 40_000,
    "history": 50_000,
    "attachment": 60_000,
}
HANGING = ("label", "comment", "remote_link", "history", "attachment", "former_key")  # rows of an issue
TABLES = ("issue", *HANGING, "counter", "property", "link", "webhook", "request")
ATTACHMENTS = "SELECT id, issue, author, created, filename, mime_type, length(content) AS size FROM attachment"
LONGEST_LOGGED = 64 * 1024  # characters of a request's body

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

    def insert(self, table: str, columns: Mapping[str, Any]) -> int:
        """Insert one row and return its id."""
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        return self.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns)  # noqa: S608 - our own names

    def erase(self) -> None:
        """Forget everything: issues, counters, webhooks and the log."""
        with self.transaction():
            for table in TABLES:
                self.write(f"DELETE FROM {table}")  # noqa: S608 - our own table names
            self.write("DELETE FROM sqlite_sequence")
            self._start_ids()

    # issues

    def next_key(self, project: str) -> dict[str, Any]:
        """The columns of the next key of a project; no key is given twice."""
        row = self.row(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number",
            [project],
        )
        assert row is not None  # noqa: S101 - RETURNING always returns
        return {"key": f"{project}-{row['number']}", "project": project, "number": row["number"]}

    def add_issue(self, project: str, values: Mapping[str, Any], labels: Sequence[str]) -> Row:
        """Insert an issue under the next key of its project; ``values`` are columns of the issue table."""
        issue_id = self.insert("issue", {**self.next_key(project), **values})
        self.set_labels(issue_id, labels)
        return self.issue(issue_id)

    def find_issue(self, id_or_key: str) -> Row | None:
        """The issue with this id or key (in any case), if there is one; a moved issue has its former keys, too."""
        if id_or_key.isdigit():
            return self.row("SELECT * FROM issue WHERE id = ?", [int(id_or_key)])
        key = id_or_key.upper()
        former = "SELECT issue FROM former_key WHERE key = :key"
        return self.row(f"SELECT * FROM issue WHERE key = :key OR id = ({former})", {"key": key})  # noqa: S608 - ours

    def move_issue(self, issue_id: int, project: str) -> None:
        """Give an issue a key of another project; the former one still finds it."""
        self.write("INSERT INTO former_key SELECT key, id FROM issue WHERE id = ?", [issue_id])
        self.change_issue(issue_id, self.next_key(project))

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
        for table in HANGING:
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

    def add_history(self, issue_id: int, author: str, items: Sequence[Mapping[str, Any]]) -> int:
        """Note what a person changed, as Jira's changelog tells it; return the id of the note."""
        columns = {"issue": issue_id, "author": author, "at": now_ms(), "items": json.dumps(items)}
        return self.insert("history", columns)

    def histories(self, issue_id: int) -> list[Row]:
        """What was changed in an issue, oldest first."""
        return self.rows("SELECT * FROM history WHERE issue = ? ORDER BY id", [issue_id])

    # comments

    def add_comment(self, issue_id: int, author: str, body: Any, text: str) -> Row:
        """Insert a comment; ``body`` is the string or the document that was sent, ``text`` what a search sees of it."""
        at = now_ms()
        columns = {"issue": issue_id, "author": author, "editor": author, "created": at, "updated": at}
        comment_id = self.insert("comment", {**columns, "body": json.dumps(body), "body_text": text})
        self.change_issue(issue_id, {})
        return self.comment(comment_id)

    def edit_comment(self, comment: Row, editor: str, body: Any, text: str) -> Row:
        """Put other words into a comment."""
        self.write(
            "UPDATE comment SET editor = ?, body = ?, body_text = ?, updated = ? WHERE id = ?",
            [editor, json.dumps(body), text, now_ms(), comment["id"]],
        )
        self.change_issue(comment["issue"], {})
        return self.comment(comment["id"])

    def delete_comment(self, comment: Row) -> None:
        """Delete a comment with its properties."""
        self.write("DELETE FROM property WHERE owner = 'comment' AND owner_id = ?", [comment["id"]])
        self.write("DELETE FROM comment WHERE id = ?", [comment["id"]])
        self.change_issue(comment["issue"], {})

    def comment(self, comment_id: int) -> Row:
        """The comment with this id, which is known to exist."""
        found = self.row("SELECT * FROM comment WHERE id = ?", [comment_id])
        assert found is not None  # noqa: S101 - promised by the caller
        return found

    def comments(self, issue_id: int) -> list[Row]:
        """The comments of an issue, oldest first."""
        return self.rows("SELECT * FROM comment WHERE issue = ? ORDER BY id", [issue_id])

    def links(self, issue_id: int) -> list[Row]:
        """The links of an issue to others, in either direction."""
        return self.rows("SELECT * FROM link WHERE inward = :id OR outward = :id ORDER BY id", {"id": issue_id})

    # attachments

    def attachments(self, issue_id: int) -> list[Row]:
        """The attachments of an issue with their sizes, without what is in them."""
        return self.rows(f"{ATTACHMENTS} WHERE issue = ? ORDER BY id", [issue_id])

    def attachment(self, attachment_id: str) -> Row | None:
        """One attachment with its size, if there is one."""
        return self.row(f"{ATTACHMENTS} WHERE id = ?", [attachment_id])

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

    def log_request(self, **columns: Any) -> int:
        """Note a request as it comes, by columns of the request table; return its number."""
        columns["body"] = columns["body"][:LONGEST_LOGGED]
        return self.insert("request", {"at": now_ms(), **columns})

    def log_answer(self, request_id: int, status: int) -> None:
        """Note what a request was answered (0: the connection was dropped), and how long that took."""
        self.write("UPDATE request SET status = ?, took_ms = ? - at WHERE id = ?", [status, now_ms(), request_id])
