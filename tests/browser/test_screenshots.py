"""The portal as the documentation shows it: SCREENSHOTS=1 draws it anew. Look at each one before it is committed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert, Sighting
from core import clock
from core.activity import person_of
from monitors.models import Exclusion
from monitors.services import push
from tests.browser.scenes import working_day
from tests.browser.shots import WANTED, draw
from tests.browser.test_entities import burst, index_holds
from tests.browser.test_portal import sign_in
from tests.factories import ago, make_monitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not WANTED, reason="Screenshots are made on purpose: SCREENSHOTS=1."),
]


def test_the_queue_and_the_alerts_of_a_working_day(page: Page, live_server: LiveServer) -> None:
    sign_in(page, live_server)
    travel = working_day(person_of(User.objects.get(username="mira")))
    grant = Alert.objects.get(detection_id="admin-role-granted")

    def show(path: str) -> None:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")

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
    show("/measures/")
    draw(page, "measures", whole=True)


def test_push_fatigue_its_user_and_its_session(
    page: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_holds(monkeypatch)
    fatigue = burst()
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

    def show(path: str) -> None:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")

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


@pytest.mark.opensearch
def test_the_first_run(page: Page, live_server: LiveServer) -> None:
    push.ensure_channel()
    sign_in(page, live_server)
    User.objects.update(is_staff=True, is_superuser=True)
    working_day(person_of(User.objects.get(username="mira")))
    page.goto(f"{live_server.url}/first-run/")
    page.wait_for_load_state("networkidle")
    draw(page, "first-run", whole=True)
