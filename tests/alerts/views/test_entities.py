"""The page of a user, an address, a device or a session, and the list of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from alerts.choices import Status, Verdict
from alerts.models import Sighting
from alerts.services import story
from core import clock
from monitors import opensearch
from monitors.errors import OpenSearchAway
from monitors.models import Exclusion, NamedList
from tests.factories import ago, involve, make_alert, make_event, make_monitor

pytestmark = pytest.mark.django_db

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "a/../b",
    "100%",
    "👩‍💻" * 40,
]


def page_of(client: Client, kind: str, value: str, query: str = "", **headers: str) -> str:
    response = client.get(reverse("alerts:entity", args=[kind, value]) + query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def answers(monkeypatch: pytest.MonkeyPatch, *events: dict[str, Any], **answer: Any) -> list[dict[str, Any]]:
    """Let the index hold whole events; return the searches that it gets."""
    asked: list[dict[str, Any]] = []

    def search(_pattern: str, body: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        asked.append(body)
        buckets = [{"key": clock.to_ms(datetime(2026, 11, 23, 9, tzinfo=UTC)), "doc_count": len(events)}]
        return {
            "_shards": {"total": 1, "failed": 0},
            "timed_out": False,
            "hits": {"hits": [{"_id": str(number), "_source": event} for number, event in enumerate(events)]},
            "aggregations": {"hours": {"buckets": buckets if events else []}},
            **answer,
        }

    monkeypatch.setattr(opensearch, "search", search)
    return asked


def whole(**fields: Any) -> dict[str, Any]:
    return {
        "uuid": "e1", "published": "2026-11-23T09:15:00Z", "eventType": "user.session.start", "outcome": {"result": "SUCCESS"},
        "actor": {"id": "00uanna", "alternateId": "anna@example.com"}, "client": {"ipAddress": "203.0.113.9"}, **fields,
    }  # fmt: skip


def test_the_page_tells_alerts_with_their_verdicts_and_what_stood_beside_it(client: Client) -> None:
    alert = make_alert(entity_id="00uanna", entity_name="anna@example.com", status=Status.CLOSED,
                       verdict=Verdict.FALSE_POSITIVE, verdict_reason="VPN or network")  # fmt: skip
    involve(alert, "ip", "203.0.113.9", "source")
    make_alert(sentence="Somebody else")
    page = page_of(client, "user", "00uanna")
    assert alert.sentence in page
    assert "Closed: false positive" in page
    assert "(VPN or network)" in page
    assert 'href="/entities/ip/203.0.113.9/"' in page
    assert "Somebody else" not in page


def test_a_user_who_was_only_tried_by_login_is_the_same_user(client: Client) -> None:
    own = make_alert(entity_id="00uanna", entity_name="Anna@example.com")
    own.involved.get().entity.__class__.objects.filter(value="00uanna").update(name="Anna@example.com")
    spray = make_alert(entity_type="ip", entity_id="203.0.113.7", entity_name="203.0.113.7", sentence="A spray")
    involve(spray, "user", "anna@example.com", "tried")
    assert "A spray" in page_of(client, "user", "00uanna")


def test_what_no_alert_names_has_a_page_that_says_so(client: Client) -> None:
    assert "No alert names it." in page_of(client, "ip", "192.0.2.1")


def test_an_unknown_kind_is_not_found(client: Client) -> None:
    assert client.get("/entities/planet/mars/").status_code == 404


def test_alerts_are_paged_by_their_number(client: Client) -> None:
    alerts = [make_alert(entity_id="00uanna", sentence=f"Finding number {number};") for number in range(25)]
    first = page_of(client, "user", "00uanna")
    assert "Finding number 24;" in first
    assert "Finding number 4;" not in first
    older = page_of(client, "user", "00uanna", f"?before={alerts[5].pk}")
    assert "Finding number 4;" in older
    assert "Finding number 5;" not in older
    assert "25</b> alerts" in older


def test_a_user_is_shown_with_what_the_baseline_knows(client: Client) -> None:
    for kind, value in ((Sighting.Kind.ADDRESS, "203.0.113.9"), (Sighting.Kind.COUNTRY, "Singapore")):
        Sighting.objects.create(user="00uanna", kind=kind, value=value, first_at=ago(days=9), last_at=ago(hours=2))
    Sighting.objects.create(user="00ubert", kind="country", value="Norway", first_at=ago(days=9), last_at=ago(days=1))
    page = page_of(client, "user", "00uanna")
    assert 'href="/entities/ip/203.0.113.9/"' in page
    assert "Singapore" in page
    assert "Norway" not in page


def test_exclusions_in_force_that_name_it_are_told(client: Client) -> None:
    NamedList.objects.create(name="offices", kind="address", values=["203.0.113.0/24"])

    def exclude(reason: str, conditions: list[dict[str, Any]], **fields: Any) -> None:
        Exclusion.objects.create(reason=reason, conditions=conditions, **fields)

    exclude("By its list", [{"kind": "address", "list": "offices"}], monitor=make_monitor())
    exclude("By a range", [{"kind": "address", "values": ["203.0.0.0/8"]}], expires_at=clock.now() + timedelta(days=1))
    exclude("Elsewhere", [{"kind": "address", "values": ["198.51.100.0/24"]}])
    exclude("Over", [{"kind": "address", "values": ["203.0.113.9"]}], expires_at=ago(days=1))
    page = page_of(client, "ip", "203.0.113.9")
    assert "By its list" in page
    assert "By a range" in page
    assert "Elsewhere" not in page
    assert "Over<" not in page


def test_a_user_is_found_in_exclusions_by_login_whatever_its_letters(client: Client) -> None:
    Exclusion.objects.create(reason="A tester", conditions=[{"kind": "user", "values": ["Anna@Example.com"]}])
    assert "A tester" in page_of(client, "user", "anna@example.com")


def test_the_page_asks_the_index_only_when_told_to(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch)
    make_monitor()
    assert 'hx-trigger="load"' in page_of(client, "ip", "203.0.113.9")
    assert asked == []


def test_a_look_into_the_index_tells_its_latest_events_and_when_they_come(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, whole())
    make_monitor()
    for page in (
        page_of(client, "ip", "203.0.113.9", "?live=1"),
        page_of(client, "ip", "203.0.113.9", "?live=1", HX_Request="true"),
    ):
        assert "1 event in the last 28 days" in page
        assert "Most on Monday 09:00, 1 event." in page
        assert 'href="/entities/user/00uanna/"' in page
    assert "<main" not in page
    assert asked[0]["query"]["bool"]["should"] == [{"terms": {"client.ipAddress": ["203.0.113.9"]}}]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"timed_out": True}, "gave only a part"),
        ({"_shards": {"total": 3, "failed": 1}}, "gave only a part"),
    ],
)
def test_an_answer_that_is_not_whole_is_said_and_never_taken_for_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], words: str
) -> None:
    answers(monkeypatch, **answer)
    make_monitor()
    page = page_of(client, "ip", "203.0.113.9", "?live=1")
    assert words in page
    assert "holds no event" not in page


def test_an_index_that_does_not_answer_is_said_on_a_page_that_is_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OpenSearchAway("OpenSearch did not answer within 3 s.")

    monkeypatch.setattr(opensearch, "search", away)
    make_monitor()
    page = page_of(client, "user", "00uanna", "?live=1")
    assert "OpenSearch did not answer within 3 s." in page
    assert "holds no event" not in page


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [("ip", "no address", "This is no address"), ("org", "org", "names such a thing")],
)
def test_what_cannot_be_asked_for_says_why(client: Client, kind: str, value: str, words: str) -> None:
    make_monitor()
    assert words in page_of(client, kind, value, "?live=1")


def test_without_a_monitor_nobody_knows_where_events_lie(client: Client) -> None:
    assert "No monitor says yet" in page_of(client, "ip", "203.0.113.9", "?live=1")


def test_a_session_is_told_as_one_story_across_detections(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = make_event(session="idx1", uuid="a", at=ago(minutes=30), type="user.session.start", result="SUCCESS")
    later = make_event(
        session="other", root_session="idx1", uuid="b", at=ago(minutes=10), type="user.account.privilege.grant"
    )
    stranger = make_event(session="idx2", uuid="c", type="user.account.lock")
    for sentence, events, minutes in (("First alert", [shared, stranger], 29), ("Second alert", [shared, later], 9)):
        involve(
            make_alert(sentence=sentence, events=events, last_seen=ago(minutes=minutes)), "session", "idx1", "session"
        )
    page = page_of(client, "session", "idx1")
    told = page.split('id="story"')[1].split("</section>")[0]
    places = [told.index(words) for words in (">Sign-in<", "First alert", ">Admin role granted<", "Second alert")]
    assert places == sorted(places)
    assert told.count(">Sign-in<") == 1
    assert "Account locked" not in told

    answers(
        monkeypatch,
        whole(uuid="d", eventType="user.session.access_admin_app", authenticationContext={"externalSessionId": "idx1"}),
    )
    make_monitor()
    assert (
        "Admin console opened"
        in page_of(client, "session", "idx1", "?live=1").split('id="story"')[1].split("</section>")[0]
    )


def test_a_story_names_its_quiet_times_and_what_moved(client: Client) -> None:
    berlin = {"session": "idx1", "ip": "198.51.100.1", "country": "Germany", "city": "Berlin"}
    events = [
        make_event(uuid="a", at=ago(hours=5), **berlin),
        make_event(uuid="b", at=ago(hours=5, minutes=-1), result="SUCCESS", **berlin),
        make_event(uuid="c", at=ago(hours=1), session="idx1", ip="203.0.113.9", country="Singapore", city="Singapore"),
    ]
    involve(make_alert(events=events, last_seen=ago(hours=1)), "session", "idx1", "session")
    page = page_of(client, "session", "idx1")
    told = page.split('id="story"')[1].split("</section>")[0]
    assert told.count("without an event") == 1
    assert "3 h 59 min without an event" in told
    assert told.count("another address") == 1
    assert told.count("another country") == 1
    seen = page.split('id="places"')[1].split("</table>")[0]
    assert seen.count("<tr>") == 3
    assert "Berlin, Germany" in seen


def test_events_that_repeat_themselves_are_one_line_of_the_story(client: Client) -> None:
    events = [make_event(session="idx1", uuid=f"e{number}", at=ago(minutes=20 - number)) for number in range(5)]
    events += [make_event(session="idx1", uuid="other", at=ago(minutes=3), result="SUCCESS", reason=None)]
    involve(make_alert(events=events, last_seen=ago(minutes=2)), "session", "idx1", "session")
    told = page_of(client, "session", "idx1").split('id="story"')[1].split("</section>")[0]
    assert told.count(">Sign-in<") == 2
    assert told.count("×5") == 1


def test_a_session_that_never_moved_says_so_without_a_warning(client: Client) -> None:
    events = [make_event(session="idx1", uuid=str(number), at=ago(minutes=number + 1)) for number in range(3)]
    involve(make_alert(events=events), "session", "idx1", "session")
    page = page_of(client, "session", "idx1")
    assert "another " not in page.split('id="story"')[1].split("</section>")[0]
    assert "seen from one place alone" in page


@pytest.mark.parametrize(
    ("kind", "value"), [("ip", "203.0.113.9"), ("user", "00uanna"), ("device", "4e1c"), ("session", "idx1")]
)
def test_without_the_index_the_hours_come_from_what_was_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, kind: str, value: str
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OpenSearchAway("OpenSearch did not answer within 3 s.")

    monkeypatch.setattr(opensearch, "search", away)
    make_monitor()
    at = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
    mine = make_event(at=at, ip="203.0.113.9", actor="00uanna", device_token="4e1c", session="idx1", uuid="a")
    alert = make_alert(entity_id="00uanna", events=[mine, mine, make_event(at=ago(days=1), ip="192.0.2.1", uuid="b")])
    for other in ("ip", "device", "session"):
        involve(alert, other, {"ip": "203.0.113.9", "device": "4e1c", "session": "idx1"}[other], "source")
    for page in (page_of(client, kind, value, "?live=1"), page_of(client, kind, value, "?live=1", HX_Request="true")):
        assert "1 event that its latest 1 alert kept" in page
        assert "Most on Monday 09:00, 1 event." in page


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("kind", ["user", "device", "session"])
def test_what_an_attacker_wrote_is_shown_as_text(client: Client, kind: str, value: str) -> None:
    event = make_event(user=value, session=value, device_token=value, city=value, ip=value, browser=value, type=value)
    alert = make_alert(entity_name=value, sentence=f"Of {value}", events=[event])
    involve(alert, kind if kind != "user" else "app", value, "session")
    pages = [page_of(client, kind, value), client.get("/entities/", {"q": value}).content.decode()]
    pages += [client.get(f"/alerts/{alert.pk}/").content.decode(), client.get("/entities/").content.decode()]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "\u202e" not in page
    assert f'href="{reverse("alerts:entity", args=["session", value])}"' in pages[2]


def test_the_list_tells_who_is_named_most_often_and_finds_the_rest(client: Client) -> None:
    for _ in range(3):
        involve(make_alert(), "ip", "203.0.113.9", "source")
    involve(make_alert(), "ip", "198.51.100.1", "source")
    page = client.get("/entities/?kind=ip").content.decode()
    assert page.index("203.0.113.9") < page.index("198.51.100.1")
    assert "@example.com" not in page.split("<tbody>")[1]
    found = client.get("/entities/?q=198.51").content.decode()
    assert 'href="/entities/ip/198.51.100.1/"' in found
    assert "203.0.113.9" not in found
    assert "Nothing found" in client.get("/entities/?q=nobody-there").content.decode()


def test_the_page_asks_a_bounded_number_of_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_monitor()
    for number in range(30):
        alert = make_alert(entity_id="00uanna", entity_name="anna@example.com")
        involve(alert, "session", "idx1", "session")
        involve(alert, "ip", f"203.0.113.{number}", "source")
        Exclusion.objects.create(reason="A tester", conditions=[{"kind": "user", "values": ["anna@example.com"]}])
    for kind, value in (("user", "00uanna"), ("session", "idx1")):
        with django_assert_max_num_queries(25):
            page_of(client, kind, value)
    with django_assert_max_num_queries(14):
        client.get("/entities/")


def test_hours_are_counted_in_the_zone_of_the_reader(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    counts = story.by_weekday({datetime(2026, 11, 23, 20, tzinfo=UTC): 3})
    assert counts[1][5] == 3  # Tuesday, 05:00
