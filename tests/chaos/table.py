"""The figures of tests/story/test_jira_faults.py as a page of the documentation."""

import os
import re
from datetime import UTC, datetime

from tests.chaos import worker
from tests.chaos.rig import LAG_SECONDS, READ_SECONDS

_noted: dict[tuple[str, str], tuple[int, int, float, float]] = {}


def note(fault: str, profile: str, tickets: int, comments: int, ticket_seconds: float, comment_seconds: float) -> None:
    """Keep the figures of one run."""
    _noted[fault, profile] = (tickets, comments, ticket_seconds, comment_seconds)


def rows(page: str) -> dict[str, list[str]]:
    """Return the page's rows: fault → tickets, comments and two times on Cloud, then on Data Center."""
    found = re.findall(r"^\| ([^|]+) \|((?: [0-9.]+ \|){8})$", page, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.strip(" |").split("|")] for name, cells in found}


def page(faults: list[str]) -> str:
    """Return docs/jira-faults.md."""
    lines = [
        "# What becomes of a ticket when something fails",
        _told(),
        "| fault | tickets, Cloud | comments | ticket, s | comment, s | tickets, DC | comments | ticket, s | comment, s |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n" + "\n".join(_row(fault) for fault in faults),
    ]
    return "\n\n".join(lines) + "\n"


def _row(fault: str) -> str:
    cells = []
    for profile in ("cloud", "dc"):
        noted = _noted.get((fault, profile))
        if noted:
            cells += [str(noted[0]), str(noted[1]), f"{noted[2]:.1f}", f"{noted[3]:.1f}"]
        else:
            cells += ["not run"] * 4
    return f"| {fault} | " + " | ".join(cells) + " |"


def _told() -> str:
    return (
        f"Written by `make jira-faults` on {datetime.now(UTC):%d %B %Y} ({os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}), which CI runs as tests: each row meets the call that makes the ticket, and then the one that "
        "comments on it. Workers are processes of their own on a real Postgres; Jira is the stand-in (`docs/jira-stand-in.md`), over real "
        "sockets. In every row one issue and one comment were made, the ones that the portal knows.\n\n"
        f"Seconds are from when it was owed until it was known to be done, with waits made short: an index lag of {LAG_SECONDS} s stands "
        f"for JIRA_INDEX_LAG_SECONDS (120 s in production; the row on the lag has half of it, as 60 s are of 120), {READ_SECONDS} s "
        f"for the read timeout (20 s), {worker.MARGIN.total_seconds()} s for a lease's margin (30 s), "
        f"{worker.FIRST_WAIT.total_seconds()} s for the first wait (5 s). A lost answer to a create costs the lag; a worker's death its "
        "lease, and the lag where a request may have left; all else one or two waits. In the last two rows a whole portal ran, with its "
        "own broker and database and production's waits but for a lease that passed at once; its sweeper comes every 15 s."
    )
