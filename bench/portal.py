"""
`python -m bench.portal [--quick] [--keep]`: how long each page takes the server with a million alerts, written to docs/portal-speed.md.

It takes about fifteen minutes, half of them to write the alerts. `--keep` leaves the database, and uses the one that was left. Ctrl-C
while pages are timed ends that early: the page says of how many rounds it is.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import django
from django.conf import settings

from bench.report import machine
from bench.say import Say, teller
from sandbox.paths import PROJECT
from sandbox.world import World

ALERTS = 1_000_000
QUICK = 20  # the share of the alerts, of which nothing should be concluded
ROUNDS = 30
QUEUE_GOAL, GOAL = 0.050, 0.100  # seconds, for p95
POSTGRES = "-c shared_buffers=1GB -c effective_cache_size=4GB -c random_page_cost=1.1 -c max_wal_size=8GB"


@dataclass(frozen=True)
class Page:
    """
    What is asked for, in words and as an address; `goal` is what nineteen of twenty answers must stay below, in seconds.

    `staff` asks for it as an administrator; `part` as htmx does, which puts it into a page.
    """

    words: str
    path: str
    goal: float = GOAL
    staff: bool = False
    part: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What the browser sends beside the address."""
        return {"HX-Request": "true"} if self.part else {}


@dataclass
class Timed:
    """
    A page's answers: seconds by the clock, and seconds of processor time, of this process and of its session of Postgres.

    What others do on the machine adds to the first much more than to the second.
    """

    page: Page
    queries: int
    size: int
    seconds: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)


def main() -> int:
    """Measure on a Postgres of its own, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.portal", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a twentieth of the alerts; prints the page and writes nothing"
    )
    parser.add_argument("--keep", action="store_true", help="leave the database, and measure in the one that was left")
    parser.add_argument("--only", default="", help="pages whose words hold this; prints the page and writes nothing")
    asked, say = parser.parse_args(), teller()
    folder = PROJECT / ".sandbox" / ("bench-portal-quick" if asked.quick else "bench-portal")
    world = World.of(
        {**os.environ, "SANDBOX_DIR": str(folder), "SANDBOX_POSTGRES_OPTIONS": POSTGRES}, say=lambda _: None
    )
    if not asked.keep:
        world.reset()
    try:
        world.up(["postgres"])
        _set_up(world)
        told = _measure(ALERTS // QUICK if asked.quick else ALERTS, asked.only, say)
    finally:
        world.down()
        if not asked.keep:
            world.reset()
    if not asked.quick and not asked.only:
        (PROJECT / "docs" / "portal-speed.md").write_text(told)
    print(told)  # noqa: T201 - a program for a terminal
    return 0


def _set_up(world: World) -> None:
    """Set Django up as it is deployed, where templates are compiled once; only its static files keep their names."""
    deployed = {"OKTADETECT_DEBUG": "false", "OKTADETECT_SECURE_COOKIES": "false", "OKTADETECT_LOG_FORMAT": "console"}
    os.environ |= {**world.settings(), **deployed, "DJANGO_SETTINGS_MODULE": "oktadetect.settings"}
    django.setup()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    from core import memory

    memory.settle()


def _measure(alerts: int, only: str, say: Say) -> str:
    from django.core.management import call_command

    from alerts.models import Alert
    from bench import million, pages

    call_command("migrate", verbosity=0)
    if not Alert.objects.exists():
        million.fill(alerts, say=say)
    loads = [os.getloadavg()[0]]
    timed = _time([page for page in pages.every() if only in page.words], say)
    loads.append(os.getloadavg()[0])
    return _page(Alert.objects.count(), timed, loads)


def _time(pages: Sequence[Page], say: Say) -> list[Timed]:
    """
    Ask for each page ROUNDS times, all pages in turn: what else happens on the machine meanwhile meets each of them alike.

    The first of what is returned is the yardstick.
    """
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.factories import make_user

    analyst, staff = Client(HTTP_HOST="localhost"), Client(HTTP_HOST="localhost")
    analyst.force_login(User.objects.get(username="analyst0"))
    root = User.objects.filter(username="root").first() or make_user("root", role="", is_staff=True, is_superuser=True)
    staff.force_login(root)
    timed = [Timed(Page("yardstick", ""), 1, 0)]
    for page in pages:
        client = staff if page.staff else analyst
        client.get(page.path, headers=page.headers)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(page.path, headers=page.headers)
        if answer.status_code != 200:
            raise SystemExit(f"{page.path} answered {answer.status_code}")
        timed.append(Timed(page, len(captured), len(answer.content)))
    try:
        for number in range(ROUNDS):
            for one in timed:
                client = staff if one.page.staff else analyst
                _clock(
                    one,
                    _yardstick if not one.page.path else partial(client.get, one.page.path, headers=one.page.headers),
                )
            if number % 5 == 4:
                say(f"{number + 1} of {ROUNDS} rounds")
    except KeyboardInterrupt:
        say("ended early")
    return timed


def _clock(one: Timed, ask: Callable[[], object]) -> None:
    began, before = time.perf_counter(), _processor_time()
    ask()
    one.seconds.append(time.perf_counter() - began)
    one.worked.append(_processor_time() - before)


def _yardstick() -> object:
    """Look one alert up by its key, and render a template of a line: the least that a page could be."""
    from django.template import engines

    from alerts.models import Alert

    line = engines["django"].from_string("<a href='/alerts/{{ alert.pk }}/'>{{ alert.sentence }}</a>")
    return line.render({"alert": Alert.objects.get(pk=1)})


def _processor_time() -> float:
    """Return the seconds of processor time that this process and its session of Postgres took so far."""
    from django.db import connection

    connection.ensure_connection()
    session = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return time.process_time() + int(session.read_text().split()[0]) / 1e9


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[max(int(len(seconds) * 0.95) - 1, 0)]


def _page(alerts: int, timed: Sequence[Timed], loads: Sequence[float]) -> str:
    yardstick, *pages = timed
    rounds = len(yardstick.seconds)
    missed = [one.page.words for one in pages if _p95(one.seconds) > one.page.goal]
    busy = [one.page.words for one in pages if _p95(one.worked) > one.page.goal]
    told = (
        f"Measured by `python -m bench.portal` on {datetime.now(UTC):%d %B %Y}: {machine()}, load average {loads[0]:.1f} at the beginning "
        f"and {loads[-1]:.1f} at the end; {alerts:,} alerts of ninety days with their occurrences, entities, tickets, history and "
        "deliveries, most of them closed; one user has a fiftieth of all alerts, one address a twentieth. Every page is asked for by "
        f"Django's test client in this process, with all middleware and templates, {rounds} times in turn with all the others. This page "
        "is written by the benchmark. Parts of pages that ask OpenSearch or Jira are left out: the live look of an entity, the runbook, "
        "the steps of the first run."
    )
    meaning = (
        "*By the clock* is what somebody waits for on this machine as it was. *Processor* is the time that Python and Postgres really "
        "worked, which is what the clock would show on a machine that does nothing else. The yardstick is one alert looked up by its "
        f"key and a template of one line: {statistics.median(yardstick.worked) * 1000:.1f} ms of processor time here, "
        f"{_p95(yardstick.seconds) * 1000:.1f} ms by the clock at p95. Machines differ in milliseconds more than in multiples of it."
    )
    verdict = (
        f"By the clock {_words(missed, len(pages))}. By processor time {_words(busy, len(pages))}. The goals are those of p95: "
        f"{QUEUE_GOAL * 1000:.0f} ms for the queue, {GOAL * 1000:.0f} ms for all else."
    )
    rows = [
        "| page | clock p50, ms | clock p95, ms | processor p50, ms | processor p95, ms | times the yardstick | goal, ms | queries | kB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows += [
        f"| {one.page.words} | {statistics.median(one.seconds) * 1000:.0f} | {_p95(one.seconds) * 1000:.0f} | "
        f"{statistics.median(one.worked) * 1000:.0f} | {_p95(one.worked) * 1000:.0f} | "
        f"{statistics.median(one.worked) / statistics.median(yardstick.worked):.0f} | {one.page.goal * 1000:.0f} | {one.queries} | "
        f"{one.size / 1000:.0f} |"
        for one in pages
    ]
    return "\n\n".join(["# How fast pages are with a million alerts", told, meaning, verdict, "\n".join(rows)]) + "\n"


def _words(over: Sequence[str], number: int) -> str:
    if not over:
        return f"all {number} meet their goal"
    named = "; ".join(over) if len(over) <= number // 2 else "see the table"
    return f"{len(over)} of {number} are over their goal ({named})"


if __name__ == "__main__":
    sys.exit(main())
