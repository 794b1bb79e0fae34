"""The pages of suppressions: asked for with a preview, kept with an end, and taken back by a click."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.models import Alert, Rehearsal, Suppression, TicketOperation
from alerts.services import hiding, suppression
from core import clock
from core.activity import person_of
from tests.alerts.test_rules import HOSTILE
from tests.alerts.test_suppression import HERE, make, tell
from tests.factories import involve, make_alert, make_monitor, make_user

pytestmark = pytest.mark.django_db


def asked(**changes: Any) -> dict[str, Any]:
    return {"do": "save", "address": HERE, "reason": "The scanner of the office", "to": "mira", "days": "7", **changes}


def main(page: str) -> str:
    return page.split("<main")[1].split("</main>")[0]


def test_from_an_alert_the_form_is_filled_in_and_shows_what_it_would_have_hidden(client: Client) -> None:
    alert = make_alert(countries=["Germany"])
    make_alert(entity_id=alert.entity_id, entity_name=alert.entity_name, verdict="false_positive", status="closed")
    make_alert()
    page = client.get(f"/suppressions/new/?alert={alert.pk}").content.decode()
    assert f"Suppress alerts like {alert}" in page
    assert f">{alert.entity_id}</textarea>" in page.replace("\n", "")
    assert "<b>2 alerts</b>: 1 false positive, 1 not judged." in page
    assert "an exclusion, which detection engineers make, changes the search itself" in page
    assert f"Of {alert}:</span> <span" in page


def test_it_is_made_holds_for_what_comes_and_says_that_the_alert_stays(client: Client) -> None:
    alert = make_alert()
    made = client.post(f"/suppressions/new/?alert={alert.pk}", asked(), follow=True)
    row = Suppression.objects.get()
    assert made.redirect_chain == [(f"/suppressions/{row.pk}/", 302)]
    text = made.content.decode()
    assert f"{row} holds for alerts that come from now on. {alert} itself stays open" in text
    assert f"Hides alerts about address {HERE}." in text
    assert row.owner.name == "Mira Okafor"
    assert timedelta(days=6, hours=23) < row.expires_at - clock.now() <= timedelta(days=7)
    assert tell().occurrence.alert.suppressed_by == row


def test_showing_what_it_would_have_hidden_makes_nothing(client: Client) -> None:
    involve(make_alert(), "ip", HERE, "source")
    page = client.post("/suppressions/new/", asked(do="preview", reason=""))
    assert page.status_code == 200
    assert "<b>1 alert</b>: 1 not judged." in page.content.decode()
    assert not Suppression.objects.exists()


def test_a_true_positive_has_to_be_confirmed(client: Client) -> None:
    involve(make_alert(verdict="true_positive", status="closed"), "ip", HERE, "source")
    refused = client.post("/suppressions/new/", asked())
    text = refused.content.decode()
    assert refused.status_code == 422
    assert "It would have hidden 1 true positive. Look at it" in text
    assert 'name="confirmed"' in text
    assert not Suppression.objects.exists()
    assert client.post("/suppressions/new/", asked(confirmed="yes")).status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": ""}, "beside the detection"),
        ({"address": "", "detection": "Brute force on one user"}, "beside the detection"),
        ({"address": "the office"}, "the office is no address"),
        ({"address": "0.0.0.0/0"}, "too wide"),
        ({"reason": ""}, "Say why"),
        ({"to": "nobody"}, "Select a valid choice"),
        ({"days": ""}, "Choose when it ends"),
        ({"days": "365"}, "Select a valid choice"),
        ({"until": "2099-01-01T00:00"}, "within 90 days"),
        ({"until": "yesterday"}, "Enter a valid date"),
        ({"entity": "x\x00y"}, "Null characters"),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_it(client: Client, changes: dict[str, str], words: str) -> None:
    answer = client.post("/suppressions/new/", asked(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Suppression.objects.exists()


def test_it_is_changed_without_losing_its_end_and_withdrawn(client: Client, mira: User) -> None:
    row = make(person_of(mira), days=3)
    page = client.get(f"/suppressions/{row.pk}/change/").content.decode()
    assert HERE in page
    until = page.split('name="until" value="')[1].split('"')[0]
    client.post(f"/suppressions/{row.pk}/change/", asked(reason="Another", days="", until=until))
    changed = Suppression.objects.get()
    assert (changed.reason, abs(changed.expires_at - row.expires_at) < timedelta(minutes=1)) == ("Another", True)
    client.post(f"/suppressions/{row.pk}/change/", asked(days="30", until=until))
    assert Suppression.objects.get().expires_at > clock.now() + timedelta(days=29)
    client.post(f"/suppressions/{row.pk}/withdraw/")
    assert not Suppression.objects.get().is_in_force
    ended = client.get(f"/suppressions/{row.pk}/").content.decode()
    assert ">withdrawn<" in ended
    assert "Withdraw it" not in ended
    assert client.get(f"/suppressions/{row.pk}/change/").status_code == 302


def test_the_alerts_page_says_what_hides_it_and_one_click_brings_it_back(client: Client, mira: User) -> None:
    row = make(person_of(mira))
    alert = tell().occurrence.alert
    page = main(client.get(f"/alerts/{alert.pk}/").content.decode())
    assert f'Hidden by <a href="/suppressions/{row.pk}/"><b>{row}</b></a>, in force until' in page
    assert "Reopen" not in page
    suppression.withdraw(row.pk, row.owner)
    assert "was withdrawn" in client.get(f"/alerts/{alert.pk}/").content.decode()
    back = client.post(f"/alerts/{alert.pk}/bring-back/", follow=True).content.decode()
    assert "The alert is new again" in back
    assert "Mira Okafor</b> brought it back from" in back
    assert TicketOperation.objects.filter(kind="create", alert=alert).exists()
    again = client.post(f"/alerts/{alert.pk}/bring-back/", follow=True).content.decode()
    assert "The alert is not suppressed any more." in again


def test_all_that_an_ended_one_hid_comes_back_by_one_click(client: Client, mira: User) -> None:
    row = make(person_of(mira))
    for number in range(3):
        tell(entity_id=f"00u{number}", entity_name=f"u{number}@example.com")
    refused = client.post(f"/suppressions/{row.pk}/bring-back/", follow=True).content.decode()
    assert "Withdraw it first" in refused
    suppression.withdraw(row.pk, row.owner)
    assert "all 3 alerts" in client.get(f"/suppressions/{row.pk}/").content.decode()
    job = client.post(f"/suppressions/{row.pk}/bring-back/", follow=True).content.decode()
    assert "3 done" in job
    assert Alert.objects.filter(status="new").count() == 3


def test_the_list_shows_what_holds_what_ended_and_how_much_each_hides(client: Client, mira: User) -> None:
    assert "Nothing is suppressed" in client.get("/suppressions/").content.decode()
    ended, holding = make(person_of(mira), reason="Old"), make(person_of(mira), reason="Now")
    tell()
    suppression.withdraw(ended.pk, ended.owner)
    page = client.get("/suppressions/").content.decode()
    first, second = page.split('id="ended"')
    assert ("Now" in first, "Old" in first, "Old" in second) == (True, False, True)
    assert '<td class="right num">1</td>' in second
    assert holding.is_in_force


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stand_on_the_pages_as_text(client: Client, mira: User, value: str) -> None:
    alert = make_alert(entity_id=value, entity_name=value, sentence=value, detection=value[:120])
    form = client.get(f"/suppressions/new/?alert={alert.pk}").content.decode()
    row = make(person_of(mira), entity=value, detection=value[:120], reason=value[:200])
    pages = [form, *(client.get(path).content.decode() for path in ("/suppressions/", f"/suppressions/{row.pk}/"))]
    for page in pages:
        assert "<script>alert" not in page
        assert "‮" not in page


def test_what_is_never_suppressed_is_not_offered(client: Client) -> None:
    played = Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x")
    for alert in (make_alert(entity_type="monitor"), make_alert(rehearsal=played)):
        assert "Suppress alerts like this" not in client.get(f"/alerts/{alert.pk}/").content.decode()
        assert client.get(f"/suppressions/new/?alert={alert.pk}").status_code == 404
    assert "Suppress alerts like this" in client.get(f"/alerts/{make_alert().pk}/").content.decode()


def test_whoever_may_only_look_sees_all_and_is_offered_nothing() -> None:
    row = make()
    alert = tell().occurrence.alert
    reader = make_user(role="")
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(reader)
    for path in ("/suppressions/", f"/suppressions/{row.pk}/", f"/alerts/{alert.pk}/"):
        assert "<form" not in main(client.get(path).content.decode())
    for path in ("/suppressions/new/", f"/suppressions/{row.pk}/change/"):
        assert client.get(path).status_code == 403
    for path in (f"/suppressions/{row.pk}/withdraw/", f"/alerts/{alert.pk}/bring-back/"):
        assert client.post(path).status_code == 403
    assert hiding.in_force().count() == 1


def test_the_pages_cost_the_same_however_many_there_are(
    client: Client, mira: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (2, 30):
        for number in range(count):
            row = make(person_of(mira), entity=f"00u{number}")
            tell(entity_id=f"00u{number}", entity_name=f"u{number}@example.com")
        with django_assert_max_num_queries(12):
            client.get("/suppressions/")
        with django_assert_max_num_queries(15):
            client.get(f"/suppressions/{row.pk}/")
        alert = row.alerts.first() or make_alert()
        with django_assert_max_num_queries(22):
            assert client.get(f"/suppressions/new/?alert={alert.pk}").status_code == 200


def test_the_queue_shows_what_is_suppressed_under_closed_and_all_and_by_its_filter(client: Client, mira: User) -> None:
    make(person_of(mira))
    hidden = tell().occurrence.alert
    closed, seen = make_alert(status="closed"), make_alert()

    def shown(query: str) -> list[int]:
        page = client.get(f"/?{query}").content.decode()
        return [alert.pk for alert in (hidden, closed, seen) if f'href="/alerts/{alert.pk}/' in page]

    assert shown("tab=all&status=suppressed") == [hidden.pk]
    assert shown("tab=all&not=status:suppressed") == [closed.pk, seen.pk]
    assert shown("tab=closed") == [hidden.pk, closed.pk]
    assert shown("tab=new") == [seen.pk]
    assert 'data-words="Suppressed"' in client.get("/?tab=closed").content.decode()
    assert "<b>Suppressed</b>" in client.get(f"/alerts/{hidden.pk}/").content.decode()
