"""`python -m bench.tickets`: how soon an alert has its ticket, and how many a second, when Jira takes 300 ms (docs/ticket-speed.md)."""

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import django

from sandbox.paths import PROJECT
from sandbox.world import World

JIRA_MS = 300
SINGLE, PACE_SECONDS = 20, 0.8
BURST = 40
WORKERS = (1, 2, 4)


def main() -> int:
    """Measure on a Postgres of its own, and write the page."""
    world = World.of({**os.environ, "SANDBOX_DIR": str(PROJECT / ".sandbox" / "bench-tickets")}, say=lambda _: None)
    world.reset()
    try:
        world.up(["postgres"])
        os.environ |= {**world.settings(), "DJANGO_SETTINGS_MODULE": "oktadetect.settings"}
        django.setup()
        page = _measure()
    finally:
        world.down()
    (PROJECT / "docs" / "ticket-speed.md").write_text(page)
    print(page)  # noqa: T201 - a program for a terminal
    return 0


def _measure() -> str:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        rows = [_of(workers, Path(folder)) for workers in WORKERS]  # one Jira: no key comes twice
    return _page(rows)


def _of(workers: int, folder: Path) -> tuple[int, float, float, float]:
    """Return workers, p50 and p95 from alert to ticket in seconds, and tickets a second when many come at once."""
    from alerts.models import JiraGate
    from tests.chaos.rig import Rig, all_done, owe_ticket, wait_until

    rig = Rig(folder, "cloud", rate=1000.0, read_seconds=20.0)
    rig.start(workers)
    try:
        owe_ticket()
        wait_until(all_done, "the workers' start")
        rig.conditions(latency_ms=JIRA_MS)
        alone = []
        for _ in range(SINGLE):
            alone.append(owe_ticket().case_id)
            time.sleep(PACE_SECONDS)
        wait_until(all_done, "single tickets")
        seconds = sorted(_seconds(alone))
        began = time.monotonic()
        burst = [owe_ticket().case_id for _ in range(BURST)]
        wait_until(lambda: len(_seconds(burst)) == BURST, "the burst", seconds=120)
        rate = BURST / (time.monotonic() - began)
        wait_until(all_done, "what hangs on the burst", seconds=120)
    finally:
        rig.stop()
        JiraGate.objects.all().delete()
    return workers, statistics.median(seconds), seconds[int(len(seconds) * 0.95) - 1], rate


def _seconds(cases: list[int]) -> list[float]:
    """Return how long the tickets of these cases took, of those that are made."""
    from alerts.models import TicketOperation

    done = TicketOperation.objects.filter(case_id__in=cases, kind="create", done_at__isnull=False)
    return [(one.done_at - one.created_at).total_seconds() for one in done if one.done_at]


def _page(rows: list[tuple[int, float, float, float]]) -> str:
    table = "\n".join(f"| {workers} | {p50:.2f} | {p95:.2f} | {rate:.1f} |" for workers, p50, p95, rate in rows)
    return (
        "# How fast tickets are made\n\n"
        f"Measured by `python -m bench.tickets` on {datetime.now(UTC):%d %B %Y}: {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}; a real Postgres, worker processes of their own, and a Jira stand-in that takes {JIRA_MS} ms for every "
        f"call. Times are from the commit of the alert to the ticket known here: {SINGLE} alerts one at a time, then {BURST} at once.\n\n"
        "| workers | p50, s | p95, s | tickets a second |\n|--:|--:|--:|--:|\n" + table + "\n\n"
        "Each ticket takes further calls for what hangs on it (the link back, and its links, comments and files), which workers make "
        "in between: a burst waits for them, too. OKTADETECT_JIRA_REQUESTS_PER_SECOND was out of the way here; at its default of 10 it "
        "caps what all workers together send, about five tickets a second in a long storm.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
