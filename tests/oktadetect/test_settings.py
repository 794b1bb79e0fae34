"""A wrong value stops the start with a sentence that names it, and never shows a secret."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from core.checks import hosts_are_allowed
from sandbox.paths import PROJECT


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No more than what is required, and no sandbox."""
    for name in list(os.environ):
        if name.startswith(("OKTADETECT_", "OPENSEARCH_", "JIRA_", "CELERY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SANDBOX_DIR", str(tmp_path))
    monkeypatch.setenv("OKTADETECT_SECRET_KEY", "of-no-use")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:hunter2@db.example.com/portal")


def read() -> dict[str, object]:
    """Return the settings as a process that starts now reads them."""
    return runpy.run_path(str(PROJECT / "oktadetect" / "settings.py"))


WRONG = {
    "OKTADETECT_SECRET_KEY": "",
    "DATABASE_URL": "nonsense://user:hunter2@db.example.com/portal",
    "OPENSEARCH_URL": "https://admin:hunter2@search.example.com:9200",
    "OPENSEARCH_TIMEOUT_SECONDS": "0",
    "OPENSEARCH_CA_FILE": "/nowhere/ca.pem",
    "JIRA_URL": "jira.example.com",
    "JIRA_PRIORITIES": "High,Low",
    "JIRA_READ_TIMEOUT_SECONDS": "soon",
    "JIRA_INDEX_LAG_SECONDS": "-1",
    "JIRA_CA_FILE": "/nowhere/ca.pem",
    "OKTADETECT_DEBUG": "perhaps",
    "OKTADETECT_WEBHOOK_URL": "portal.example.com",
    "OKTADETECT_WEBHOOK_MAX_BYTES": "16 MiB",
    "OKTADETECT_HEARTBEAT_SECONDS": "0",
    "OKTADETECT_KEEP_DELIVERIES_MONTHS": "-1",
    "OKTADETECT_LOG_FORMAT": "xml",
    "OKTADETECT_TIME_ZONE": "Mars/Olympus",
    "OKTADETECT_SSL_REDIRECT": "perhaps",
    "OKTADETECT_HSTS_SECONDS": "a year",
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_value_is_named_in_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, WRONG[name])
    with pytest.raises(ImproperlyConfigured) as error:
        read()
    assert name in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", ["OKTADETECT_SECRET_KEY", "DATABASE_URL"])
def test_what_is_required_is_named_when_it_lacks(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ImproperlyConfigured, match=name):
        read()


def test_the_start_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTADETECT_HEARTBEAT_SECONDS", "often")
    command = [sys.executable, "manage.py", "check"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    assert answer.returncode != 0
    assert 'Environment variable "OKTADETECT_HEARTBEAT_SECONDS" invalid' in answer.stderr.splitlines()[-1]


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JIRA_TOKEN", "")  # so that the test's end takes back what reading sets
    monkeypatch.delenv("JIRA_TOKEN")
    (tmp_path / "token").write_text("hunter2\n")
    monkeypatch.setenv("JIRA_TOKEN_FILE", str(tmp_path / "token"))
    assert read()["JIRA_TOKEN"] == "hunter2"


def test_a_production_like_start_passes_djangos_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OKTADETECT_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "OKTADETECT_URL": "https://portal.example.com",
        "OKTADETECT_WEBHOOK_URL": "https://portal.example.com",
        "OKTADETECT_ALLOWED_HOSTS": "portal.example.com",
        "OKTADETECT_SSL_REDIRECT": "true",
        "OKTADETECT_HSTS_SECONDS": "31536000",
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", ["OKTADETECT_URL", "OKTADETECT_WEBHOOK_URL"])
def test_a_host_at_which_it_would_answer_400_is_told(settings: Any, name: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.com", "127.0.0.1", "[::1]"]
    settings.OKTADETECT_URL, settings.OKTADETECT_WEBHOOK_URL = "https://portal.example.com", "http://[::1]:8000"
    assert hosts_are_allowed() == []
    setattr(settings, name, "https://other.example.com:8443")
    (warning,) = hosts_are_allowed()
    assert name in warning.msg
    assert "other.example.com," in warning.msg


def test_what_follows_no_redirect_gets_none(settings: Any, client: Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.post("/okta-detections", b"{}", "application/json").status_code == 401
    assert client.get("/livez").status_code == 200
    assert client.get("/sign-in/").status_code == 301
