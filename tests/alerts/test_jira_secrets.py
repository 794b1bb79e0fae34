"""No credential and no header of an answer gets into a log, a page, an error or the history, whatever Jira does."""

import base64
import json
import logging

import pytest
from django.test import Client

from alerts.models import Alert, JiraGate, TicketOperation
from alerts.ticketing import gate, operations
from core.models import Activity
from sandbox.jira.faults import TROUBLES
from tests.alerts.test_operations import Jira, owing
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_user
from tests.sandbox.jira.api import TOKEN, USER

pytestmark = pytest.mark.django_db

CANARY = "canary-in-a-header"
SECRETS = (
    TOKEN,
    base64.b64encode(f"{USER}:{TOKEN}".encode()).decode(),
    CANARY,
    "Authorization",
    "X-Canary",
    "CAPTCHA_CHALLENGE",
)


def after_every_fault(jira: Jira) -> list[Alert]:
    """Let each trouble that the stand-in knows meet a ticket of its own, with a header that nobody may repeat."""
    alerts = []
    for name, trouble in TROUBLES.items():
        headers = {**trouble.get("headers", {}), "X-Canary": CANARY, "X-Seraph-LoginReason": CANARY}
        quick = {
            "latency_ms": min(trouble.get("latency_ms", 0), 1200),
            "stall_ms": min(trouble.get("stall_ms", 0), 1200),
        }
        jira.fault(trouble=name, call="create", headers=headers, **quick)
        alerts.append(owing())
        operations.work_case(alerts[-1].case_id)
        JiraGate.objects.update(paused_until=None, probe_at=None)
    jira.fault(call="create", status=400, headers={"X-Canary": CANARY}, body=json.dumps({"errors": {"summary": "no"}}))
    alerts.append(owing())
    operations.work_case(alerts[-1].case_id)
    return alerts


def test_nothing_that_is_kept_written_or_shown_repeats_a_credential_or_a_header(
    jira: Jira, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], client: Client
) -> None:
    with caplog.at_level(logging.INFO):
        alerts = after_every_fault(jira)
    operations_of = TicketOperation.objects.exclude(last_error="")
    assert operations_of.count() > 12
    client.force_login(make_user())
    pages = [client.get(path) for path in ("/", "/pipeline/", *(f"/alerts/{alert.pk}/" for alert in alerts))]
    assert {page.status_code for page in pages} == {200}
    told = {
        "rows": json.dumps(list(operations_of.values("last_error", "payload", "result")), default=str),
        "gate": json.dumps(list(JiraGate.objects.values()), default=str),
        "history": json.dumps(list(Activity.objects.values()), default=str),
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "pages": "".join(page.content.decode() for page in pages),
    }
    assert "operation_put_off" in told["log"]
    for where, text in told.items():
        for secret in SECRETS:
            assert secret not in text, f"{secret!r} in {where}"


def test_a_breaker_that_opens_says_why_in_words_of_ours(jira: Jira) -> None:
    for _ in range(gate.OPEN_AFTER):
        jira.fault(trouble="captcha", call="create", headers={"X-Authentication-Denied-Reason": CANARY})
        operations.work_case(owing().case_id)
    shut = gate.shut()
    assert shut is not None
    assert "CAPTCHA" in shut.reason
    assert CANARY not in shut.reason
