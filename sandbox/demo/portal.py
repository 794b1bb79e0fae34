"""The portal's own programs, started as an administrator would start them.

`manage` runs a command to its end; `start` leaves web, worker and beat running, recorded beside the world's servers, so
that a demo that was killed is cleaned up by the next one. Errors are SandboxError with what the program said.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from sandbox.handover import is_free
from sandbox.parts import http_status
from sandbox.paths import PROJECT
from sandbox.processes import Process, SandboxError, load_record, save_record, spawn, stop, tail, wait_ready
from sandbox.world import World

COMMAND_SECONDS = 120.0
BOOT_SECONDS = 60.0
PATIENCE_SECONDS = 10.0  # a worker ends its task and the web its requests first
NAMES = ("web", "worker", "beat")
USERS = {"admin": ("--admin",), "analyst": ()}


class Portal:
    """The portal of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.paths = world.paths
        self.started: set[str] = set()
        self._follower: subprocess.Popen[str] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """What its programs are configured by: what the world wrote, and before it what is set here."""
        return {**self.world.settings(), **self.world.environ}

    @property
    def url(self) -> str:
        """Where people open it."""
        return (self.environ.get("OKTADETECT_URL") or self.environ["OKTADETECT_WEBHOOK_URL"]).rstrip("/")

    @property
    def bind(self) -> str:
        """Where it listens: what OKTADETECT_BIND says, else the host and port that OpenSearch posts to."""
        address = urlsplit(self.environ["OKTADETECT_WEBHOOK_URL"])
        port = address.port or (443 if address.scheme == "https" else 80)
        return self.environ.get("OKTADETECT_BIND") or f"{address.hostname}:{port}"

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run one command of manage.py and return what it printed."""
        try:
            answer = subprocess.run(  # noqa: S603 - our own command line
                [sys.executable, "manage.py", *arguments],
                cwd=PROJECT, env=self.environ, input=stdin, capture_output=True, text=True,
                timeout=COMMAND_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"manage.py {arguments[0]} did not finish within {COMMAND_SECONDS:.0f} s.") from error
        if answer.returncode != 0:
            said = (answer.stderr or answer.stdout).strip()
            raise SandboxError(f"manage.py {arguments[0]} failed with exit code {answer.returncode}:\n{said[-3000:]}")
        return answer.stdout

    def users(self) -> dict[str, str]:
        """Make the demo's users; return their passwords, which stay the same while the world keeps its data."""
        file = self.paths.state("demo") / "users.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            passwords: dict[str, str] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            passwords = {name: secrets.token_urlsafe(12) for name in USERS}
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
                json.dump(passwords, output)
        for name, rights in USERS.items():
            self.manage("ensure_user", name, *rights, stdin=f"{passwords[name]}\n")
        return passwords

    def push_monitors(self, detections: Collection[str], interval: int, params: Mapping[str, object]) -> None:
        """Add these detections of the catalogue as monitors that run every `interval` seconds, and push them."""
        given = [text for name, value in params.items() for text in ("--param", f"{name}={json.dumps(value)}")]
        self.manage("monitors", "add", *detections, "--interval", str(interval), *given, "--push")

    def make_room(self) -> None:
        """Stop what a demo that was killed left behind. SandboxError if somebody else listens where the web shall."""
        self._stop_all(NAMES)
        host, _, port = self.bind.rpartition(":")
        if host in {"127.0.0.1", "localhost"} and not is_free(int(port)):
            raise SandboxError(
                f"Another program listens on {self.bind}. If it is a portal of this world, stop it first."
            )

    def start(self, names: Collection[str] = NAMES) -> None:
        """Start these of web, worker and beat; return when the web could keep a delivery and the worker takes tasks."""
        self.paths.state("demo").mkdir(parents=True, exist_ok=True)
        environ = {**self.environ, "OKTADETECT_BIND": self.bind}
        said_before = self._log("worker").stat().st_size if self._log("worker").exists() else 0
        for name in names:
            process = spawn(self._command(name), log=self._log(name), cwd=PROJECT, uid=None, env=environ)
            save_record(self._record(name), process)
            self.started.add(name)
        port = int(self.bind.rpartition(":")[2])
        if "web" in names:
            self._wait_for("web", lambda: http_status(port, "/readyz") == 200)
        if "worker" in names:
            self._wait_for("worker", lambda: " ready." in tail(self._log("worker"), since=said_before, lines=10_000))

    def running(self, name: str) -> Process | None:
        """The program, if this portal runs it; None when it was not started, or has ended."""
        return load_record(self._record(name)) if name in self.started else None

    def dead(self) -> list[str]:
        """Which of the programs that were started have ended by themselves."""
        return [name for name in NAMES if name in self.started and self.running(name) is None]

    def follow(self, tell: Callable[[dict[str, object]], None]) -> None:
        """Call `tell`, from a thread of its own, for each alert and each ticket that there is and that comes."""
        with self._log("follow").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "manage.py", "follow", "--json", "--after", "0"],
                cwd=PROJECT, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True, start_new_session=True,
            )  # fmt: skip
        self._follower = child
        threading.Thread(target=_read, args=(child.stdout, tell), daemon=True).start()

    def stop(self, names: Collection[str] = NAMES) -> None:
        """Stop these of what was started, and with the last of them what follows. Returns when all are gone."""
        self._stop_all([name for name in names if name in self.started])
        self.started.difference_update(names)
        if self._follower is not None and not self.started:
            self._follower.terminate()
            self._follower.wait(PATIENCE_SECONDS)
            self._follower = None

    def _command(self, name: str) -> list[str]:
        schedule = str(self.paths.state("demo") / "beat-schedule")
        celery = ["celery", "-A", "oktadetect"]
        module = {
            "web": ["gunicorn", "oktadetect.wsgi"],
            "worker": [*celery, "worker", "-c", "2", "-l", "info", "--without-gossip", "--without-mingle"],
            "beat": [*celery, "beat", "-l", "info", "--pidfile=", "-s", schedule],
        }[name]
        return [sys.executable, "-m", *module]

    def _wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        process = self.running(name)
        try:
            if process is None:
                raise SandboxError("it ended at once")
            wait_ready(
                process, is_ready, seconds=BOOT_SECONDS, cancelled=self.world.cancelled, tick=lambda _: None,
            )  # fmt: skip
        except SandboxError as error:
            raise SandboxError(
                f"{name}: {error}.\nThe end of {self._log(name)}:\n{tail(self._log(name), since=0)}"
            ) from error

    def _stop_all(self, names: Collection[str]) -> None:
        with ThreadPoolExecutor(len(NAMES)) as pool:
            for _ in pool.map(self._stop_one, names):
                pass

    def _stop_one(self, name: str) -> None:
        process = load_record(self._record(name))
        if process is not None:
            stop(process, polite=signal.SIGTERM, patience=PATIENCE_SECONDS)
        self._record(name).unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self.paths.records / f"portal-{name}.json"

    def _log(self, name: str) -> Path:
        return self.paths.logs / f"{name}.log"


def _read(lines: IO[str], tell: Callable[[dict[str, object]], None]) -> None:
    for line in lines:
        tell(json.loads(line))
