"""What the stand-ins are started with is taken as it is, whatever it begins with."""

import argparse
from types import SimpleNamespace

import pytest

from sandbox.parts import Jira, StandIn


def test_a_token_that_begins_with_a_dash_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandIn, "command", lambda _: [])
    part = object.__new__(Jira)
    settings = {"JIRA_USER": "a@example.com", "JIRA_TOKEN": "-dash"}
    part.context = SimpleNamespace(settings=settings, environ={})  # type: ignore[assignment]  # all it reads
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--token")
    parser.add_argument("--profile")
    assert parser.parse_args(part.command()).token == "-dash"
