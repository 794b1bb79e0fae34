"""Stand-ins booted for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.jira.api import Api, boot, stop


@pytest.fixture
def jira(tmp_path: Path) -> Iterator[Api]:
    """Jira Cloud, by v2."""
    server = boot(tmp_path / "cloud")
    yield Api(server.jira.base_url)
    stop(server)


@pytest.fixture
def jira_v3(tmp_path: Path) -> Iterator[Api]:
    """Jira Cloud, by v3."""
    server = boot(tmp_path / "cloud-v3")
    yield Api(server.jira.base_url, version="3")
    stop(server)


@pytest.fixture
def data_center(tmp_path: Path) -> Iterator[Api]:
    """Jira Data Center."""
    server = boot(tmp_path / "dc", "dc")
    yield Api(server.jira.base_url, profile="dc")
    stop(server)
