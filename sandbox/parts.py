"""What a part of the world is, and the two that are programs of ours."""

import http.client
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.paths import PROJECT, Paths


@dataclass(frozen=True)
class Context:
    """What every part is given."""

    paths: Paths
    ports: Mapping[str, int]
    settings: Mapping[str, str]
    environ: Mapping[str, str]
    say: Callable[[str], None]
    """Tells the person at the terminal one line."""
    cancelled: threading.Event
    """Set when this command was asked to stop; whatever takes long looks at it."""


class Part:
    """One server: how it is prepared, started, asked whether it answers, and stopped."""

    name: ClassVar[str]
    replaced_by: ClassVar[str]
    """The variable that, when it is set, names the real thing to use instead."""
    settings: ClassVar[tuple[str, ...]]
    """The variables that this part fills."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Parts that have to answer before this one starts."""
    polite: ClassVar[signal.Signals] = signal.SIGTERM
    patience: ClassVar[float] = 10.0  # seconds from the polite signal to the one that cannot be refused
    boot_seconds: ClassVar[float] = 30.0
    hint: ClassVar[str]
    """One sentence: what to do when it does not start."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.paths = context.paths

    @property
    def address(self) -> str:
        """Where it answers, for people."""
        raise NotImplementedError

    @property
    def uid(self) -> int | None:
        """Who it runs as; None for the invoking user."""
        return self.paths.uid

    @property
    def log(self) -> Path:
        return self.paths.logs / f"{self.name}.log"

    @property
    def cwd(self) -> Path:
        return self.paths.data(self.name)

    @property
    def env(self) -> Mapping[str, str]:
        """Servers get nothing of the invoking user's environment, which may hold secrets."""
        return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.cwd)}

    def prepare(self) -> None:
        """Make all that it needs to start. Does nothing the second time."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The command line of the server."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it answers now. Never raises for a server that is not there; at most a few seconds."""
        raise NotImplementedError

    def finish(self) -> None:
        """What has to be done once it answers, before anybody may use it."""


class StandIn(Part):
    """A program of ours in place of something that cannot run here. It runs as the invoking user and answers HTTP."""

    ready_path: ClassVar[str]
    hint = "Read its log; `manage.py sandbox reset` makes it forget a state that it cannot load."

    @property
    def port(self) -> int:
        return self.context.ports[self.name]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def uid(self) -> None:
        return None

    @property
    def cwd(self) -> Path:
        return PROJECT

    @property
    def env(self) -> Mapping[str, str]:
        return self.context.environ

    def prepare(self) -> None:
        self.paths.state(self.name).mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        state = str(self.paths.state(self.name))
        return [sys.executable, "-m", f"sandbox.{self.name}", "--port", str(self.port), "--state", state]

    def is_ready(self) -> bool:
        return http_status(self.port, self.ready_path) is not None


class Alerting(StandIn):
    """The Alerting and Notifications plugins, in front of the real node. The portal knows only this address."""

    name = "alerting"
    replaced_by = "OPENSEARCH_URL"
    settings = ("OPENSEARCH_URL", "SANDBOX_OPENSEARCH_NODE_URL")
    needs = ("opensearch",)
    ready_path = "/"

    def command(self) -> list[str]:
        return [*super().command(), "--node", f"http://127.0.0.1:{self.context.ports['opensearch']}"]


class Jira(StandIn):
    """The REST API of a Jira."""

    name = "jira"
    replaced_by = "JIRA_URL"
    settings = ("JIRA_URL", "JIRA_USER", "JIRA_TOKEN")
    ready_path = "/rest/api/2/serverInfo"

    def command(self) -> list[str]:
        settings = self.context.settings
        # one word each: a token may begin with a dash, and would be taken for an option
        profile = f"--profile={self.context.environ.get('SANDBOX_JIRA_PROFILE') or 'cloud'}"
        return [*super().command(), profile, f"--user={settings['JIRA_USER']}", f"--token={settings['JIRA_TOKEN']}"]


def http_status(
    port: int, path: str, *, method: str = "GET", body: str | None = None, timeout: float = 5
) -> int | None:
    """The status with which 127.0.0.1 answers on this port; None when it does not. No proxy is ever asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
