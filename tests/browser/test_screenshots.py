"""The portal as the documentation shows it: SCREENSHOTS=1 draws it anew. Look at each one before it is committed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert, Case, JiraState, Rehearsal, Sighting
from alerts.services import first_run
from alerts.services.standing import State, Told
from core import clock
from core.activity import person_of
from monitors.models import Exclusion
from tests.browser.scenes import quarter, working_day
from tests.browser.shots import WANTED, draw
from tests.browser.test_entities import burst, index_holds
from tests.browser.test_portal import sign_in
from tests.factories import ago, make_alert, make_delivery, make_monitor, make_ticket

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not WANTED, reason="Screenshots are made on purpose: SCREENSHOTS=1."),
]


@pytest.fixture
def show(page: Page, live_server: LiveServer) -> Callable[[str], None]:
    """Open a page of the portal, and wait until it asks for nothing more."""

    def opened(path: str) -> None:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")

    return opened


def test_the_queue_and_the_alerts_of_a_working_day(
    page: Page, live_server: LiveServer, show: Callable[[str], None]
) -> None:
    sign_in(page, live_server)
    travel = working_day(person_of(User.objects.get(username="mira")))
    grant = Alert.objects.get(detection_id="admin-role-granted")

    show("/")
    draw(page, "queue")
    draw(page, "queue-dark", scheme="dark")
    draw(page, "queue-375", width=375)
    show(f"/alerts/{travel.pk}/")
    draw(page, "alert-travel")
    draw(page, "alert-dark", scheme="dark")
    draw(page, "alert-375", width=375)
    show(f"/alerts/{grant.pk}/")
    draw(page, "alert-self-grant")
    quarter(person_of(User.objects.get(username="mira")))
    show("/measures/")
    draw(page, "measures", whole=True)


def test_push_fatigue_its_user_and_its_session(
    page: Page, live_server: LiveServer, show: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    index_holds(monkeypatch)
    fatigue = burst()
    make_ticket(fatigue, "SEC-143", status="In Progress")
    Alert.objects.filter(entity_id=fatigue.entity_id).update(case=fatigue.case)  # worked as one
    Case.objects.filter(pk=fatigue.case_id).update(ticket_policy="join")
    for kind, value in (
        ("address", "198.51.100.24"),
        ("network", "3320"),
        ("country", "Germany"),
        ("agent", "Mac OS X · CHROME"),
    ):
        Sighting.objects.create(user="00uanna", kind=kind, value=value, first_at=ago(days=29), last_at=ago(hours=5))
    conditions = [
        {"kind": "user", "values": ["anna.berg@example.com"]},
        {"kind": "zone", "values": ["Berlin office"]},
    ]
    Exclusion.objects.create(
        reason="Tests of the help desk, until they end", monitor=make_monitor(), conditions=conditions,
        expires_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    sign_in(page, live_server)

    show(f"/alerts/{fatigue.pk}/")
    draw(page, "alert-push-fatigue")
    show("/entities/user/00uanna/?live=1")
    draw(page, "entity", whole=True)
    draw(page, "entity-dark", scheme="dark", whole=True)
    draw(page, "entity-375", width=375, whole=True)
    show(f"/cases/{fatigue.case_id}/")
    draw(page, "case", whole=True)
    show("/entities/session/idxA1b2C3d4/")
    draw(page, "session", whole=True)


def test_the_first_run_and_a_suppression(
    page: Page, live_server: LiveServer, show: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal half-way through its first day, and a suppression about to be made."""
    look, answers = first_run.told, {
        "opensearch": Told(State.DONE, "OpenSearch 3.4.0 at https://search.example.com, with Alerting."),
        "index": Told(State.DONE, "okta-system-log-* holds events; it can serve 62 of 64 detections. The newest came", at=ago(seconds=9),
                      command="manage.py okta check-index okta-system-log-*", notes=("Log stream changed lacks debugContext.debugData.",)),
        "channel": Told(State.DONE, "The channel posts to https://oktadetect.example.com/okta-detections, with a live token."),
    }  # fmt: skip
    monkeypatch.setattr(first_run, "told", lambda step: answers.get(step.key) or look(step))
    wrong = {
        "name": "Project",
        "state": "wrong",
        "words": "SEC is no project that we see.",
        "fix": "Correct JIRA_PROJECT.",
    }
    JiraState.load()
    JiraState.objects.update(checked_at=ago(minutes=2), checked=[wrong])
    make_delivery()
    Rehearsal.objects.create(
        monitor=make_monitor(name="Travel"), index_pattern="x", state="running",
        indexed_at=ago(seconds=9), searchable_at=ago(seconds=8),
    )  # fmt: skip
    sign_in(page, live_server)
    User.objects.update(is_superuser=True)
    show("/first-run/")
    draw(page, "onboarding", whole=True)
    draw(page, "onboarding-375", width=375, whole=True)
    alert = working_day(person_of(User.objects.get(username="mira")))
    like = {"entity_id": alert.entity_id, "entity_name": alert.entity_name, "detection": alert.detection}
    for number, verdict in enumerate(["false_positive"] * 5 + ["true_positive", ""]):
        make_alert(
            **like,
            verdict=verdict,
            status="closed" if verdict else "new",
            sentence=alert.sentence,
            last_seen=ago(days=number + 1),
        )
    show(f"/suppressions/new/?alert={alert.pk}")
    draw(page, "suppress", whole=True)
    draw(page, "suppress-dark", scheme="dark", whole=True)
