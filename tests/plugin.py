"""Brings up the parts of a sandbox that the chosen tests need. Loaded before Django reads its settings.

Guarantees:
- Postgres runs before Django's settings are read; the environment then names every part of this session's world, and
  what was set there before goes first (a real OpenSearch instead of ours, say).
- The rest starts when the first test that is marked for it, or asks for its address, is about to run: `opensearch`,
  `jira`. Stories have a world of their own. A run without such tests starts nothing but Postgres.
- Each session has a world of its own, whose addresses and data no other session and no demo shares: `.sandbox/test`,
  or `.sandbox/test-2` and so on while that is taken. Downloads are shared with all of them.
- The world is empty when the session begins and stops with it, unless KEEP_WORLD is set: then the next finds it running.

Under pytest-xdist the session's own process does all that, and its workers share the world.
"""

import atexit
import fcntl
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import IO

import pytest

from sandbox.handover import read_settings
from sandbox.paths import PROJECT, world_folder

WORLDS = 9  # sessions at a time on one checkout
NEEDED_BY_MARKER = {
    "opensearch": ("alerting",),  # and with it the node behind it
    "jira": ("jira",),
}
FASTER = {
    "SANDBOX_POSTGRES_OPTIONS": "-c fsync=off",
    "SANDBOX_OPENSEARCH_JAVA_OPTS": "-Xms1g -Xmx2g -XX:+UseG1GC",  # a hundred thousand users are searched
}

_environment = dict(os.environ)
"""The environment of the commands that start parts: as it was before this world was written into ours."""
_started: set[str] = set()
_claim: list[IO[str]] = []
"""The open file whose lock says that this session has its world; empty in a worker of xdist."""


def start(*parts: str) -> None:
    """Have these parts of the session's world running. Cheap to call again; any number of processes may."""
    missing = [part for part in parts if part not in _started]
    if missing:
        _sandbox("up", "--only", ",".join(missing))
        _started.update(missing)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Runs around pytest-django's own hook of this name, which reads the settings."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shared = world_folder(os.environ)
        os.environ.setdefault("SANDBOX_CACHE_DIR", str(shared / "cache"))
        os.environ["SANDBOX_DIR"] = str(_claim_world(shared))
        for name, value in FASTER.items():
            os.environ.setdefault(name, value)
        _environment.update(os.environ)
        if not os.environ.get("KEEP_WORLD"):
            _sandbox("reset")  # what an earlier session left in its indices is not there for this one
            atexit.register(_sandbox, "down")  # after every test, fixture and worker, and after a failed start, too
        start("postgres")
        for name, value in read_settings(world_folder(os.environ) / "world.env").items():
            os.environ.setdefault(name, value)
    return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start what the test's markers ask for."""
    for marker, parts in NEEDED_BY_MARKER.items():
        if item.get_closest_marker(marker):
            start(*parts)


@pytest.fixture(scope="session")
def opensearch_url() -> str:
    """The address of the Alerting stand-in in front of a real OpenSearch node."""
    start("alerting")
    return os.environ["OPENSEARCH_URL"]


@pytest.fixture(scope="session")
def opensearch_node_url() -> str:
    """The address of the node itself, for a test that needs no Alerting."""
    start("opensearch")
    return os.environ["SANDBOX_OPENSEARCH_NODE_URL"]


@pytest.fixture(scope="session")
def jira_url() -> str:
    """The address of the Jira stand-in; JIRA_USER and JIRA_TOKEN in the environment open it."""
    start("jira")
    return os.environ["JIRA_URL"]


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The address of the broker, as Celery takes it."""
    start("valkey")
    return os.environ["CELERY_BROKER_URL"]


def _claim_world(shared: Path) -> Path:
    """The first world that no other session has; ours until this process ends, however it ends."""
    for number in range(1, WORLDS + 1):
        folder = shared / ("test" if number == 1 else f"test-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        claim = (folder / "session.lock").open("a")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        _claim.append(claim)
        return folder
    raise pytest.UsageError(f"{WORLDS} test sessions are at work in {shared}: wait for one to end.")


def _sandbox(*arguments: str) -> None:
    """Run one command of the sandbox; what it says appears only when it fails."""
    answer = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "sandbox", *arguments],
        env=_environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if answer.returncode != 0:
        raise pytest.UsageError(f"The world of the tests is not there.\n{answer.stderr}")
