"""Who gets to see what, and what an address that makes no sense answers."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import resolve

import alerts.urls
import monitors.urls
from alerts.choices import DeliveryStatus, OperationState, Status
from alerts.services import triage
from core.roles import DETECTION_ENGINEERS
from tests.factories import make_alert, make_delivery, make_monitor, make_operation, make_user

pytestmark = pytest.mark.django_db

PAGES = [
    "/",
    "/newer/",
    "/palette/",
    "/alerts/1/",
    "/alerts/1/close/",
    "/alerts/1/preview/",
    f"/bulk/{uuid.UUID(int=7)}/",
    "/alerts/1/assign/",
    "/alerts/1/snooze/",
    "/alerts/1/case/",
    "/alerts/1/runbook/",
    "/cases/",
    "/cases/1/",
    "/entities/",
    "/entities/user/00uanna/",
    "/monitors/",
    "/coverage/",
    "/coverage/table.csv",
    "/coverage/layer.json",
    "/pipeline/",
    "/pipeline/jira/",
    f"/pipeline/deliveries/{uuid.UUID(int=7)}/",
    f"/pipeline/deliveries/{uuid.UUID(int=7)}/dismiss/",
    f"/pipeline/operations/{uuid.UUID(int=7)}/dismiss/",
    f"/pipeline/operations/{uuid.UUID(int=7)}/settle/",
    f"/monitors/{uuid.UUID(int=7)}/rehearse/",
    f"/monitors/{uuid.UUID(int=7)}/tickets/",
    f"/rehearsals/{uuid.UUID(int=7)}/",
    "/first-run/",
    "/first-run/jira/",
    "/measures/",
    "/suppressions/",
    "/suppressions/new/",
    "/suppressions/1/",
    "/suppressions/1/change/",
    "/account/tokens/",
    "/surveys/",
    f"/surveys/{uuid.UUID(int=7)}/",
]
ACTIONS = [
    "/bulk/",
    f"/bulk/{uuid.UUID(int=7)}/undo/",
    "/views/",
    "/views/1/drop/",
    "/alerts/1/unsnooze/",
    "/alerts/1/escalate/",
    "/alerts/1/undo/1/",
    "/alerts/1/comments/",
    "/alerts/1/comments/1/remove/",
    "/alerts/1/acknowledge/",
    "/alerts/1/true-positive/",
    "/alerts/1/reopen/",
    "/alerts/1/bring-back/",
    "/first-run/channel/write/",
    "/first-run/webhook/try/",
    "/first-run/jira/check/",
    "/first-run/test/send/",
    "/suppressions/1/withdraw/",
    "/suppressions/1/bring-back/",
    "/alerts/1/looking/",
    "/alerts/1/runbook/tick/",
    "/alerts/1/new-ticket/",
    "/pipeline/jira/check/",
    f"/alerts/1/operations/{uuid.UUID(int=7)}/retry/",
    f"/pipeline/deliveries/{uuid.UUID(int=7)}/retry/",
    f"/pipeline/operations/{uuid.UUID(int=7)}/retry/",
    f"/pipeline/deliveries/{uuid.UUID(int=7)}/restore/",
    f"/pipeline/operations/{uuid.UUID(int=7)}/restore/",
    "/pipeline/jira/now/",
    "/account/tokens/1/withdraw/",
    f"/rehearsals/{uuid.UUID(int=7)}/cancel/",
    f"/surveys/{uuid.UUID(int=7)}/findings/1/judge/",
    f"/surveys/{uuid.UUID(int=7)}/cancel/",
    f"/surveys/{uuid.UUID(int=7)}/choose/",
]
ABOUT_NO_ROW = {"/pipeline/jira/now/", "/pipeline/jira/check/", "/bulk/", "/views/"} | {
    path for path in ACTIONS if path.startswith("/first-run/")
}


@pytest.mark.parametrize("path", [*PAGES, *ACTIONS])
def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=")


def test_every_page_of_the_portal_is_in_the_lists_above() -> None:
    """So that the tests on access miss none that is added."""
    named = {resolve(path).url_name for path in [*PAGES, *ACTIONS]}
    assert {pattern.name for pattern in [*alerts.urls.urlpatterns, *monitors.urls.urlpatterns]} == named


@pytest.mark.parametrize("path", [*PAGES, *ACTIONS])
def test_an_account_without_a_role_is_told_so_and_shown_nothing(client: Client, path: str) -> None:
    client.force_login(make_user("guest", role=""))
    make_alert(sentence="Somebody signed in from two places")
    for answer in (client.get(path), client.post(path)):
        page = answer.content.decode()
        assert answer.status_code == 403
        assert "guest</b>, an account without a role here" in page
        assert "Sign out" in page
        assert "Somebody signed in" not in page


def test_whoever_may_only_look_is_offered_no_decision_and_takes_none(client: Client) -> None:
    reader = make_user(role="")
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(reader)
    alert = make_alert()
    make_operation(alert, state=OperationState.FAILED)
    delivery = make_delivery(status=DeliveryStatus.QUARANTINED, reason="No JSON.")
    for path in (f"/alerts/{alert.pk}/", "/pipeline/", f"/pipeline/deliveries/{delivery.pk}/"):
        response = client.get(path)
        assert response.status_code == 200
        main = response.content.decode().split("<main")[1].split("</main>")[0]
        assert "<form" not in main
        assert "/close/" not in main
    response = client.post(f"/alerts/{alert.pk}/acknowledge/", {"seen": "0"})
    assert response.status_code == 403
    assert b"Your account may not do this" in response.content
    alert.refresh_from_db()
    assert alert.status == Status.NEW


@pytest.mark.parametrize("who", [{"role": DETECTION_ENGINEERS}, {"role": "", "is_superuser": True}])
def test_detection_engineers_and_administrators_decide_too(client: Client, who: dict[str, Any]) -> None:
    client.force_login(make_user(**who))
    alert = make_alert()
    assert client.get("/").status_code == 200
    seen = triage.newest_change(alert)
    assert client.post(f"/alerts/{alert.pk}/acknowledge/", {"seen": seen}).status_code == 302
    alert.refresh_from_db()
    assert alert.status == Status.ACKNOWLEDGED


@pytest.mark.parametrize("path", ACTIONS)
def test_nothing_is_changed_by_a_get(client: Client, path: str) -> None:
    client.force_login(make_user(role=DETECTION_ENGINEERS))
    assert client.get(path).status_code == 405


@pytest.mark.parametrize("path", ["/", "/newer/", "/alerts/1/", "/monitors/", "/pipeline/"])
def test_a_page_takes_no_post(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/alerts/404/", "/alerts/404/close/", f"/pipeline/deliveries/{uuid.UUID(int=7)}/"])
def test_what_does_not_exist_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", [path for path in ACTIONS if path not in ABOUT_NO_ROW])
def test_an_action_on_what_does_not_exist_is_not_found(client: Client, path: str) -> None:
    client.force_login(make_user(role=DETECTION_ENGINEERS))
    assert client.post(path, {"seen": "0"}).status_code == 404


def test_every_page_answers_a_signed_in_analyst(client: Client) -> None:
    make_monitor()
    alert, delivery = make_alert(), make_delivery()
    make_operation(alert)
    alert_page, delivery_page = f"/alerts/{alert.pk}/", f"/pipeline/deliveries/{delivery.pk}/"
    for path in ["/", "/newer/", alert_page, f"{alert_page}close/", "/monitors/", "/pipeline/", delivery_page]:
        assert client.get(path).status_code == 200, path


def test_only_staff_are_shown_the_way_to_the_admin(client: Client) -> None:
    assert b"Admin" not in client.get("/").content
    client.force_login(make_user(is_staff=True))
    assert b'href="/admin/"' in client.get("/").content


def test_a_form_without_its_token_changes_nothing_and_says_why() -> None:
    alert = make_alert()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    response = client.post(f"/alerts/{alert.pk}/acknowledge/", {"seen": "0"})
    assert response.status_code == 403
    assert b"Nothing was changed" in response.content


def test_the_page_of_an_error_on_our_side_carries_the_id_that_the_log_has(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("alerts.querysets.newest", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert response["X-Request-Id"] in response.content.decode()
    assert "broken on purpose" not in response.content.decode()


def test_no_page_may_run_or_style_anything_inline(client: Client) -> None:
    alert = make_alert()
    for path in ("/", f"/alerts/{alert.pk}/", "/monitors/", "/pipeline/"):
        response = client.get(path)
        assert "script-src 'self'" in response["Content-Security-Policy"]
        page = response.content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert " onclick" not in page
