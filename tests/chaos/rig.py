"""A Jira that fails on request, workers that can be killed, and what both then hold. One profile at a time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from django.db import connection, transaction

from alerts.models import Alert, JiraGate, TicketOperation
from alerts.services import cases
from sandbox.jira.server import Server
from sandbox.jira.site import Profile, make_site
from sandbox.jira.store import Store
from sandbox.paths import PROJECT
from tests.factories import make_alert, make_occurrence
from tests.sandbox.jira.api import TOKEN, USER

LAG_SECONDS = 1
READ_SECONDS = 1.0
CONNECT_SECONDS = 0.5
PATIENCE = 60.0


@dataclass
class Rig:
    """The stand-in and the workers. `folder` keeps Jira's state, and what the workers said."""

    folder: Path
    profile: Profile
    rate: float = 100.0
    read_seconds: float = READ_SECONDS
    url: str = ""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    server: Server | None = None
    log: IO[bytes] | None = None

    def start(self, workers: int = 2) -> None:
        """Have Jira and so many workers running."""
        self.ready.mkdir(parents=True, exist_ok=True)
        self.log = (self.folder / "workers.log").open("ab")
        self.boot(0)
        for _ in range(workers):
            self.hire()

    def boot(self, port: int | None = None) -> None:
        """Start Jira, where it listened before unless told otherwise."""
        known = urlsplit(self.url).port or 0
        place = known if port is None else port
        self.server = Server(make_site(self.profile, USER, TOKEN), Store(self.folder / "jira"), place)
        self.server.serve_in_background()
        self.url = self.server.jira.base_url

    def unplug(self) -> None:
        """Stop Jira: nobody listens there."""
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()
        self.server.jira.store.close()
        self.server = None

    def hire(self) -> None:
        """Start one more worker."""
        command = [sys.executable, "-m", "tests.chaos.worker"]
        self.workers.append(subprocess.Popen(command, cwd=PROJECT, env=self.environ, stdout=self.log, stderr=self.log))  # noqa: S603 - our own program

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a worker: the database of this test, and settings that do not make it wait."""
        ours = urlsplit(os.environ["DATABASE_URL"])
        database = urlunsplit(ours._replace(path="/" + quote(str(connection.settings_dict["NAME"]))))
        user = USER if self.profile == "cloud" else ""
        return os.environ | {
            "DATABASE_URL": database,
            "JIRA_URL": self.url,
            "JIRA_USER": user,
            "JIRA_TOKEN": TOKEN,
            "JIRA_CONNECT_TIMEOUT_SECONDS": str(CONNECT_SECONDS),
            "JIRA_READ_TIMEOUT_SECONDS": str(self.read_seconds),
            "JIRA_INDEX_LAG_SECONDS": str(LAG_SECONDS),
            "OKTADETECT_JIRA_REQUESTS_PER_SECOND": str(self.rate),
            "OKTADETECT_LOG_FORMAT": "json",
            "CHAOS_DIE": str(self.die_flag),
            "CHAOS_READY": str(self.ready),
        }

    @property
    def die_flag(self) -> Path:
        """The file that kills the next worker which is about to POST."""
        return self.folder / "die"

    @property
    def ready(self) -> Path:
        """The folder where each worker that works has a file of its process id."""
        return self.folder / "ready"

    def wait_for_workers(self) -> None:
        """Wait until all of them work: they take seconds to start, which belong to no fault."""
        wait_until(lambda: all((self.ready / str(one.pid)).exists() for one in self.workers), "the workers at work")

    def kill(self) -> None:
        """kill -9 all workers, and hire as many again."""
        for worker in self.workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
        count = len(self.workers)
        self.workers.clear()
        for _ in range(count):
            self.hire()

    def replace_dead(self) -> int:
        """Hire one for each worker that died; return how many had."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        for worker in dead:
            self.workers.remove(worker)
            self.hire()
        return len(dead)

    def stop(self) -> None:
        """End all of it."""
        for worker in self.workers:
            worker.kill()
            worker.wait(10)
        if self.server is not None:
            self.unplug()
        if self.log is not None:
            self.log.close()

    def mend(self) -> None:
        """Have Jira well again, with nothing in it, and the way to it open."""
        if self.server is None:
            self.boot()
        self.control("POST", "reset")
        JiraGate.objects.all().delete()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the stand-in's own endpoints."""
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, **fault: Any) -> None:
        """Let the next calls suffer."""
        self.control("POST", "faults", fault)

    def conditions(self, **conditions: Any) -> None:
        """Set what is the matter with all of Jira; with none it is well."""
        self.control("PUT", "conditions", conditions)

    def posts(self) -> int:
        """How often an issue was asked for."""
        log = self.control("GET", "requests")
        return sum(row["method"] == "POST" and row["path"].endswith("/issue") for row in log)

    def issues(self) -> list[dict[str, Any]]:
        """All issues that Jira holds, read by key: no index is asked."""
        assert self.server is not None
        found: list[dict[str, Any]] = []
        for number in range(1, 100_000):
            answer = self._get(f"issue/SEC-{number}")
            if answer.status_code == 404:
                return found
            answer.raise_for_status()
            found.append(answer.json())
        raise AssertionError("there is no end to the issues")

    def comments(self, key: str) -> list[dict[str, Any]]:
        """An issue's comments, with the properties that say which operation wrote them."""
        answer = self._get(f"issue/{key}/comment?expand=properties&maxResults=1000")
        answer.raise_for_status()
        return list(answer.json()["comments"])

    def _get(self, path: str) -> requests.Response:
        url = f"{self.url}/rest/api/2/{path}"
        if self.profile == "dc":
            return requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
        return requests.get(url, auth=(USER, TOKEN), timeout=10)

    def said(self) -> str:
        """All that the workers wrote."""
        return (self.folder / "workers.log").read_text(errors="replace")


def owe_ticket(**changes: Any) -> Alert:
    """Write an alert whose case owes a ticket, as the ingest does."""
    with transaction.atomic():
        alert = make_alert(**changes)
        cases.owe_ticket(alert)
    return alert


def owe_comment(alert: Alert) -> None:
    """Write a new occurrence, and that its ticket owes a comment on it."""
    with transaction.atomic():
        make_occurrence(alert)
        cases.owe_comment(alert, at_once=True)


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE) -> float:
    """Return how many seconds it took until the condition held; fail with `what` when it does not within so many."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            rows = list(TicketOperation.objects.exclude(state="done").values_list("kind", "state", "last_error")[:5])
            raise AssertionError(f"not within {seconds:.0f} s: {what}; still open: {rows}")
        time.sleep(0.05)
    return time.monotonic() - began


def all_done() -> bool:
    """Whether nothing is owed any more."""
    return not TicketOperation.objects.exclude(state="done").exists()
