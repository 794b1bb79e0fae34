"""The way in and the way out, as a page, and giving what is stuck another try."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import DeliveryStatus, OperationKind, OperationState
from alerts.services import cases, quarantine, triage
from alerts.views import frame
from core import activity
from core.models import Activity
from tests.factories import make_alert, make_delivery, make_operation, make_person

pytestmark = pytest.mark.django_db


def test_deliveries_can_be_filtered_by_what_became_of_them(client: Client) -> None:
    processed = make_delivery()
    stuck = make_delivery(status=DeliveryStatus.QUARANTINED, reason="The body is no JSON.")
    page = client.get("/pipeline/?status=quarantined").content.decode()
    assert f"/pipeline/deliveries/{stuck.pk}/" in page
    assert f"/pipeline/deliveries/{processed.pk}/" not in page
    assert "The body is no JSON." in page
    assert "1 in quarantine" in page


@pytest.mark.parametrize("query", ["?status=odd", "?before=abc"])
def test_a_filter_that_makes_no_sense_is_left_out(client: Client, query: str) -> None:
    delivery = make_delivery()
    assert str(delivery.pk) in client.get(f"/pipeline/{query}").content.decode()


def test_older_deliveries_follow_page_by_page(client: Client) -> None:
    deliveries = [make_delivery() for _ in range(27)]
    page = client.get("/pipeline/").content.decode()
    assert f"before={deliveries[2].pk}" in page
    older = client.get(f"/pipeline/?before={deliveries[2].pk}").content.decode()
    assert f"/pipeline/deliveries/{deliveries[1].pk}/" in older
    assert f"/pipeline/deliveries/{deliveries[2].pk}/" not in older


def test_the_raw_body_is_shown_as_text_and_only_its_beginning(client: Client) -> None:
    delivery = make_delivery(b"<script>alert(1)</script>\x00\xff" + b"x" * 70_000 + b"THE END")
    page = client.get(f"/pipeline/deliveries/{delivery.pk}/").content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "THE END" not in page
    assert "the first 64 kB" in page


def test_a_body_that_was_never_read_is_said_and_not_offered_again(client: Client) -> None:
    delivery = make_delivery(None, status=DeliveryStatus.QUARANTINED, reason="Over the limit.")
    page = client.get(f"/pipeline/deliveries/{delivery.pk}/").content.decode()
    assert "was not read" in page
    assert "Work it again" not in page
    client.post(f"/pipeline/deliveries/{delivery.pk}/retry/")
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.QUARANTINED


def test_a_quarantined_delivery_is_worked_again_with_all_its_tries_and_history_says_by_whom(client: Client) -> None:
    delivery = make_delivery(status=DeliveryStatus.QUARANTINED, reason="Its trigger is no monitor here.", attempts=10)
    assert client.post(f"/pipeline/deliveries/{delivery.pk}/retry/").status_code == 302
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.reason) == (DeliveryStatus.RECEIVED, 0, "")
    assert delivery.next_attempt_at is not None
    [line] = activity.history(delivery)
    assert (line.action, line.data) == ("delivery.retried", {"reason": "Its trigger is no monitor here."})


def test_a_processed_delivery_is_not_worked_again() -> None:
    delivery = make_delivery()
    with pytest.raises(quarantine.QuarantineError, match="processed"):
        quarantine.retry(delivery.pk, make_person())


def test_what_jira_is_owed_is_listed_with_its_error_and_can_be_tried_again(client: Client) -> None:
    failed = make_operation(make_alert(), state=OperationState.FAILED, last_error="Jira knows no project SEC.")
    make_operation(make_alert(), state=OperationState.DONE, last_error="An error of long ago.")
    page = client.get("/pipeline/").content.decode()
    assert "Jira knows no project SEC." in page
    assert "An error of long ago." not in page
    assert client.post(f"/pipeline/operations/{failed.pk}/retry/").status_code == 302
    failed.refresh_from_db()
    assert failed.state == OperationState.WAITING


def test_a_quarantined_delivery_is_dismissed_with_a_reason_and_put_back(client: Client) -> None:
    delivery = make_delivery(status=DeliveryStatus.QUARANTINED, reason="The body is no JSON.")
    address = f"/pipeline/deliveries/{delivery.pk}/"
    assert f"{address}dismiss/" in client.get(address).content.decode()
    assert "The body is no JSON." in client.get(f"{address}dismiss/").content.decode()
    page = client.post(f"{address}dismiss/", {"reason": "A scanner."}, follow=True).content.decode()
    assert "Mira Okafor</b> dismissed it" in page
    assert "A scanner." in page
    assert frame.pulse().quarantined == 0
    assert str(delivery.pk) in client.get("/pipeline/?status=dismissed").content.decode()

    page = client.post(f"{address}restore/", follow=True).content.decode()
    assert "put it back into quarantine" in page
    assert frame.pulse().quarantined == 1
    delivery.refresh_from_db()
    assert delivery.reason == "The body is no JSON."


@pytest.mark.parametrize("kind", ["deliveries", "operations"])
@pytest.mark.parametrize("reason", ["", "   ", "x" * 401])
def test_nothing_is_dismissed_without_a_reason(client: Client, kind: str, reason: str) -> None:
    delivery = make_delivery(status=DeliveryStatus.QUARANTINED)
    operation = make_operation(make_alert(), state=OperationState.FAILED)
    pk = delivery.pk if kind == "deliveries" else operation.pk
    assert client.post(f"/pipeline/{kind}/{pk}/dismiss/", {"reason": reason}).status_code == 422
    delivery.refresh_from_db()
    operation.refresh_from_db()
    assert (delivery.status, operation.state) == (DeliveryStatus.QUARANTINED, OperationState.FAILED)
    assert not Activity.objects.filter(action__endswith=".dismissed").exists()


@pytest.mark.parametrize("status", [DeliveryStatus.PROCESSED, DeliveryStatus.RECEIVED, DeliveryStatus.DISMISSED])
def test_only_a_quarantined_delivery_is_dismissed(status: DeliveryStatus) -> None:
    delivery = make_delivery(status=status)
    with pytest.raises(quarantine.QuarantineError):
        quarantine.dismiss(delivery.pk, make_person(), reason="Why not.")


def test_a_failed_operation_is_dismissed_with_a_reason_and_taken_back(client: Client) -> None:
    alert = make_alert()
    failed = make_operation(alert, state=OperationState.FAILED, last_error="Jira knows no project SEC.")
    after = make_operation(alert, OperationKind.COMMENT, depends_on=failed)
    assert "1 late for Jira" in client.get("/pipeline/").content.decode()

    wish = {"reason": "Made by hand: SEC-9."}
    page = client.post(f"/pipeline/operations/{failed.pk}/dismiss/", wish, follow=True).content.decode()
    assert "Dismissed: the latest 1" in page
    assert "Mira Okafor</b> Made by hand: SEC-9." in page
    assert f"/operations/{after.pk}/" not in page
    assert "late for Jira" not in page
    assert "dismissed what had failed: create the ticket" in client.get(f"/alerts/{alert.pk}/").content.decode()

    client.post(f"/pipeline/operations/{failed.pk}/restore/")
    failed.refresh_from_db()
    after.refresh_from_db()
    assert (failed.state, after.state) == (OperationState.FAILED, OperationState.PENDING)
    page = client.get("/pipeline/").content.decode()
    assert "1 late for Jira" in page
    assert "Dismissed: the latest" not in page


@pytest.mark.parametrize("state", [s for s in OperationState if s != OperationState.FAILED])
def test_only_what_failed_is_dismissed(client: Client, state: OperationState) -> None:
    operation = make_operation(make_alert(), state=state)
    client.post(f"/pipeline/operations/{operation.pk}/dismiss/", {"reason": "Why not."})
    operation.refresh_from_db()
    assert operation.state == state


def test_what_was_dismissed_with_another_operation_does_not_come_back_without_it() -> None:
    alert, mira = make_alert(), make_person()
    failed = make_operation(alert, state=OperationState.FAILED)
    after = make_operation(alert, OperationKind.COMMENT, depends_on=failed)
    triage.dismiss_ticket(failed.pk, mira, reason="Made by hand.")
    with pytest.raises(triage.NotNow):
        triage.restore_ticket(after.pk, mira)
    assert cases.owe_comment(alert, at_once=True) is None


def test_the_page_asks_no_more_of_the_database_for_more_rows(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        make_delivery(b"x" * 10_000)
        make_operation(make_alert())
    with django_assert_max_num_queries(20):
        client.get("/pipeline/")
