"""What an alert's page draws and tells beside the decision: a burst over time, whole events, earlier verdicts, who else looks."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from alerts.choices import Status, Verdict
from alerts.models import Alert, Looking
from alerts.views.timeline import Timeline, timeline
from core import clock
from tests.factories import ago, involve, make_alert, make_event, make_evidence, make_travel_alert, make_user

pytestmark = pytest.mark.django_db


def burst(minutes: list[float], **fields: Any) -> Alert:
    events = [make_event(at=ago(minutes=at), result="FAILURE") for at in minutes]
    limits = {"failures": 3, "window_minutes": 10}
    return make_alert(events=events, limits=limits, **fields)


def drawn(alert: Alert) -> Timeline | None:
    shown = alert.occurrences.get()
    return timeline(alert, shown, shown.events)


def test_a_burst_is_drawn_as_what_lay_within_the_window_beside_the_limit() -> None:
    picture = drawn(burst([60, 9, 6, 3]))
    assert picture is not None
    assert [point.count for point in picture.points] == [1, 1, 2, 3]
    assert picture.sentence == "Up to 3 of these events within 10 min, at or over the limit of 3."
    assert picture.limit_y == picture.points[-1].y
    assert picture.shade_x == picture.points[1].x  # from the first of the three to the last
    assert picture.shade_x + picture.shade_width == pytest.approx(picture.points[-1].x, abs=0.2)


def test_what_comes_after_an_ordered_burst_is_no_part_of_it() -> None:
    alert = burst([9, 8, 7, 1], detection_id="push-fatigue-success")
    Alert.objects.filter(pk=alert.pk).update(limits={"refusals": 3, "window_minutes": 10})
    alert.refresh_from_db()
    picture = drawn(alert)
    assert picture is not None
    assert [point.count for point in picture.points] == [1, 2, 3, 0]


def test_events_that_were_not_told_are_said_to_be_missing(client: Client) -> None:
    alert = burst([9, 6, 3])
    alert.occurrences.update(count=61)
    assert "58 more events of the burst are not drawn" in client.get(f"/alerts/{alert.pk}/").content.decode()


def test_the_chart_can_be_read_as_a_table(client: Client) -> None:
    page = client.get(f"/alerts/{burst([9, 6, 3]).pk}/").content.decode()
    table = page.split('class="timeline"')[1].split("</section>")[0]
    assert 'role="img" aria-label="Up to 3 of these events within 10 min' in table
    assert table.count("<tr>") == 4


@pytest.mark.parametrize(
    "alert",
    [
        lambda: make_travel_alert(),
        lambda: burst([3]),
        lambda: make_alert(events=[{}, {"t": "x"}, None, {"t": True}]),
        lambda: make_alert(detection_id="gone", events=[make_event(), make_event()]),
        lambda: make_alert(limits={"failures": "many", "window_minutes": None}, events=[make_event(), make_event()]),
    ],
    ids=["travel", "one event", "no times", "no detection", "odd limits"],
)
def test_what_is_no_burst_is_not_drawn(alert: Any) -> None:
    assert drawn(alert()) is None


def test_events_at_one_moment_are_drawn_all_the_same() -> None:
    at = ago(minutes=3)
    assert drawn(make_alert(events=[make_event(at=at), make_event(at=at)])) is not None


def test_whole_events_are_a_tree_of_their_parts(client: Client) -> None:
    alert = make_alert()
    event = {
        "uuid": "5c0d",
        "actor": {"id": "00u", "alternateId": "a@example.com"},
        "target": [{"id": "t1"}],
        "tags": ["a"],
    }
    make_evidence(alert.occurrences.get(), [event])
    tree = client.get(f"/alerts/{alert.pk}/").content.decode().split('id="whole"')[1].split("</section>")[0]
    assert "<dt>uuid</dt><dd>5c0d</dd>" in tree
    assert (
        '<summary class="value">actor <span class="quiet">2</span></summary><dl data-fields><dt>actor.id</dt>' in tree
    )
    assert '<summary class="value">target[0] ' in tree


def test_a_whole_event_without_end_is_cut_and_says_so(client: Client) -> None:
    alert = make_alert()
    make_evidence(
        alert.occurrences.get(), [{"long": "x" * 3_000, **{f"field{number}": number for number in range(450)}}]
    )
    tree = client.get(f"/alerts/{alert.pk}/").content.decode().split('id="whole"')[1].split("</section>")[0]
    assert f"{'x' * 2_000}… and 1,000 more letters" in tree
    assert "x" * 2_001 not in tree
    assert tree.count("<dt>") == 400
    assert "51 more fields stand in OpenSearch." in tree


def test_earlier_verdicts_on_the_same_entity_are_told(client: Client) -> None:
    for name, verdict in (("anna@example.com", Verdict.FALSE_POSITIVE), ("bert@example.com", Verdict.BENIGN)):
        make_alert(entity_name=name, status=Status.CLOSED, verdict=verdict, verdict_reason=f"Of {name}")
    page = client.get(f"/alerts/{make_alert(entity_name='anna@example.com').pk}/").content.decode()
    told = page.split('id="verdicts"')[1].split("</section>")[0]
    assert "False positive" in told
    assert "Of anna@example.com" in told
    assert "Benign" not in told


def test_alerts_of_the_same_session_within_a_day_are_related(client: Client) -> None:
    alert, other = make_alert(), make_alert(sentence="Same session")
    for one in (alert, other):
        involve(one, "session", "idx1", "session")
    related = client.get(f"/alerts/{alert.pk}/").content.decode().split('id="related"')[1].split("</section>")[0]
    assert other.sentence in related


def test_others_who_look_are_named_until_they_leave(client: Client) -> None:
    alert = make_alert()
    jonas = Client()
    jonas.force_login(make_user("jonas", first_name="Jonas", last_name="Lind"))
    path = f"/alerts/{alert.pk}/looking/"
    assert b"looking, too" not in jonas.post(path).content
    assert b"Jonas Lind</b> is looking, too" in client.post(path).content
    assert b"Mira Okafor</b> is looking, too" in jonas.post(path).content
    with time_machine.travel(clock.now() + timedelta(seconds=60)):
        assert b"looking, too" not in client.post(path).content
    assert Looking.objects.count() == 1
