from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.alerting.node import Node
from tests.sandbox.alerting import standin, world
from tests.sandbox.alerting.standin import Client, Receiver


@pytest.fixture
def alerting(opensearch_node_url: str, tmp_path: Path) -> Iterator[Client]:
    """A stand-in of this test's own, whose clock may be set, in front of the session's node."""
    with standin.running(Node(opensearch_node_url), tmp_path) as client:
        yield client


@pytest.fixture(scope="session")
def recorded_documents(opensearch_node_url: str) -> None:
    """The node holds what the recorded searches found."""
    world.prepare(Client(opensearch_node_url))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with standin.receiving() as running:
        yield running
