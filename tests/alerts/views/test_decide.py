"""Decisions on an alert's page: snoozing, escalating, giving it away, commenting, and taking back."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from alerts.choices import OperationKind, Status
from alerts.models import Alert, Comment
from alerts.services import triage
from alerts.views.forms import snoozed_until
from core import clock
from core.activity import person_of
from tests.factories import make_alert, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


def decide(client: Client, alert: Alert, action: str, **fields: str) -> str:
    """Post a decision and return the page that it leads to."""
    wanted = {"seen": str(triage.newest_change(alert)), **fields}
    return client.post(f"/alerts/{alert.pk}/{action}/", wanted, follow=True).content.decode()


@pytest.mark.parametrize(
    ("wanted", "end"),
    [
        ("1h", "2026-10-24 15:30"),
        ("4h", "2026-10-24 18:30"),
        ("tomorrow", "2026-10-25 09:00"),  # the clocks go back that night
        ("monday", "2026-10-26 09:00"),
        ("growth", "2026-11-23 13:30"),
    ],
)
def test_a_snooze_ends_in_the_readers_zone(wanted: str, end: str) -> None:
    saturday = datetime(2026, 10, 24, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    until = snoozed_until(wanted, saturday)
    if wanted != "growth":
        assert f"{until:%Y-%m-%d %H:%M}" == end
    assert clock.to_ms(until) > clock.to_ms(saturday)


def test_monday_is_never_today() -> None:
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=ZoneInfo("UTC"))
    assert snoozed_until("monday", monday) == datetime(2026, 11, 30, 9, 0, tzinfo=ZoneInfo("UTC"))


def test_an_alert_is_snoozed_until_it_grows_and_woken_by_hand(client: Client) -> None:
    alert = make_alert()
    assert "Snoozed until it grows." in decide(client, alert, "snooze", wanted="growth")
    alert.refresh_from_db()
    assert (alert.is_snoozed, alert.wakes_when_it_grows) == (True, True)
    assert "The snooze is over." in decide(client, alert, "unsnooze")


def test_a_snooze_without_a_time_or_with_one_that_is_past_is_asked_again(client: Client) -> None:
    alert = make_alert()
    assert "Choose until when." in decide(client, alert, "snooze")
    assert "within 30 days" in decide(client, alert, "snooze", until="2020-01-01T09:00")
    alert.refresh_from_db()
    assert not alert.is_snoozed


def test_an_alert_is_given_to_somebody_who_may_decide_and_to_nobody_else(client: Client) -> None:
    alert, jonas = make_alert(), make_user("jonas", first_name="Jonas", last_name="Lind")
    make_user("guest", role="")
    page = client.get(f"/alerts/{alert.pk}/assign/").content.decode()
    assert "Jonas Lind" in page
    assert "guest" not in page
    assert "Jonas Lind&#x27;s now" in decide(client, alert, "assign", to="jonas")
    alert.refresh_from_db()
    assert alert.assignee == person_of(jonas)
    decide(client, alert, "assign", to="guest")
    alert.refresh_from_db()
    assert alert.assignee == person_of(jonas)


def test_escalating_says_who_has_it_now(client: Client) -> None:
    alert = make_alert(assignee=make_person(make_user("nora", first_name="Nora", last_name="Roth")))
    assert "Escalated to Nora Roth." in decide(client, alert, "escalate")


def test_a_decision_is_offered_to_be_undone_for_ten_seconds_on_every_page(client: Client) -> None:
    alert = make_alert()
    decide(client, alert, "acknowledge")
    assert ">Undo</button>" in client.get("/pipeline/").content.decode()
    with time_machine.travel(clock.now() + timedelta(seconds=triage.UNDO_SECONDS + 1)):
        assert ">Undo</button>" not in client.get("/pipeline/").content.decode()


def test_the_offer_takes_the_decision_back(client: Client) -> None:
    alert = make_alert()
    decide(client, alert, "close", verdict="benign", reason="test")
    page = client.post(client.session["undo"]["address"], follow=True).content.decode()
    alert.refresh_from_db()
    assert alert.status == Status.NEW
    assert "took back: the closing" in page
    assert ">Undo</button>" not in page


def test_a_comment_is_kept_shown_and_told_to_the_ticket_when_ticked(client: Client) -> None:
    alert = make_alert()
    make_ticket(alert, "SEC-9")
    page = decide(client, alert, "comments", text="Called <b>her</b>.", in_ticket="yes")
    assert "Called &lt;b&gt;her&lt;/b&gt;." in page
    assert alert.operations.filter(kind=OperationKind.COMMENT).count() == 1


def test_a_comment_is_taken_back_by_its_author_alone(client: Client, mira: User) -> None:
    alert = make_alert()
    decide(client, alert, "comments", text="Nonsense.")
    comment = Comment.objects.get()
    other = Client()
    other.force_login(make_user())
    assert "Take it back" not in other.get(f"/alerts/{alert.pk}/").content.decode()
    assert other.post(f"/alerts/{alert.pk}/comments/{comment.pk}/remove/").status_code == 404
    assert "Nonsense." not in decide(client, alert, f"comments/{comment.pk}/remove")


def test_an_empty_comment_is_refused_in_words(client: Client) -> None:
    assert "1 to 4,000 characters" in decide(client, make_alert(), "comments", text="  ")
