"""What is never logged, however talkative the root is made."""

import logging

import pytest

from oktadetect import logs


@pytest.mark.parametrize("name", ["jira", "jira.client", "opensearchpy.trace", "opensearch", "urllib3.connectionpool"])
def test_clients_never_write_what_they_send(name: str) -> None:
    configured = logs.logging_config("json")["loggers"]
    nearest = next(configured[one] for one in (name, name.rpartition(".")[0]) if one in configured)
    assert getattr(logging, nearest["level"]) > logging.DEBUG
