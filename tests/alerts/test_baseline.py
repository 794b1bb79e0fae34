"""What is normal for a user is read from the index, and only once enough is known is anything called new."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.models import Alert, Baseline, Sighting
from alerts.services import baseline, ingest
from alerts.services.baseline import Learning
from core import clock
from monitors import opensearch
from monitors.errors import OpenSearchError
from monitors.findings import Finding, Mark
from monitors.profiles import learn, template_profile
from monitors.services import revisions
from tests.events import SINGAPORE, event, sign_in
from tests.factories import make_monitor
from tests.monitors.indexing import index_by_template, index_dynamically

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def known(days: int, pattern: str = "okta-*") -> None:
    Baseline.objects.create(pattern=pattern, read_from=clock.now() - timedelta(days=days), read_to=clock.now())


def saw(kind: str, value: str, days_ago: float = 5, user: str = "00uanna") -> None:
    at = NOW - timedelta(days=days_ago)
    Sighting.objects.create(user=user, kind=kind, value=value, first_at=at, last_at=at)


def finding(**row: Any) -> Finding:
    shown = {"asn": 3320, "country": "Germany", "os": "Mac OS X", "browser": "CHROME", **row}
    mark = Mark(NOW, "e1")
    return Finding("user", "00uanna", "anna", 1, mark, mark, {"count": 1}, [shown], "anna did it", 3)


@pytest.mark.parametrize(
    ("days", "words", "enough"),
    [
        (0, "learning, 0 of 30 days", False),
        (6, "learning, 6 of 30 days", False),
        (7, "learning, 7 of 30 days", True),
        (45, "known", True),
    ],
)
def test_the_baseline_says_how_much_it_knows(days: int, words: str, enough: bool) -> None:
    if days:
        known(days)
    told = baseline.learning("okta-*")
    assert (str(told), told.enough) == (words, enough)
    assert str(Learning(6, 30, enough=False)) == "learning, 6 of 30 days"


def test_nothing_is_new_while_too_little_is_known() -> None:
    known(6)
    assert baseline.novelty(finding(), "okta-*") == {}


def test_what_was_never_seen_with_this_user_is_new() -> None:
    known(10)
    saw("network", "3320")
    saw("country", "Germany")
    saw("country", "Singapore", user="00ubert")
    assert baseline.novelty(finding(country="Singapore"), "okta-*") == {
        "new_network": False,
        "new_country": True,
        "new_agent": True,
    }


def test_a_sighting_after_the_finding_does_not_make_it_old() -> None:
    known(10)
    saw("network", "3320", days_ago=-1)
    assert baseline.novelty(finding(), "okta-*")["new_network"] is True


def test_an_address_has_no_baseline() -> None:
    known(10)
    row = finding()
    assert baseline.novelty(Finding(**{**vars(row), "entity_type": "ip"}), "okta-*") == {}


@pytest.mark.opensearch
@pytest.mark.parametrize("layout", [index_by_template, index_dynamically])
def test_sightings_are_read_once_however_often_with_first_and_last(layout: Any) -> None:
    now = clock.now()
    events = [
        sign_in(now - timedelta(hours=20)),
        sign_in(now - timedelta(hours=3), place=SINGAPORE, asn=4657),
        sign_in(now - timedelta(hours=2), result="FAILURE", asn=666),
        sign_in(now - timedelta(hours=1), user="bert", actor_id="unknown"),
        event(
            "user.authentication.sso",
            now - timedelta(hours=1),
            targets=[{"id": "0oa1", "type": "AppInstance", "displayName": "Mail"}],
        ),
    ]
    pattern = layout(f"t-{uuid.uuid4().hex[:12]}", events)
    profile = learn(pattern, opensearch.field_caps(pattern))
    for _ in range(2):
        baseline.read_on(pattern, profile)
    anna = {(row.kind, row.value): row for row in Sighting.objects.filter(user="00uanna")}
    assert {key for key in anna if key[0] != "device"} == {
        ("address", "203.0.113.7"),
        ("network", "3320"), ("network", "4657"), ("country", "Germany"), ("country", "Singapore"),
        ("agent", "Mac OS X · CHROME"), ("app", "0oa1"),
    }  # fmt: skip
    network = anna["network", "3320"]
    assert network.last_at - network.first_at >= timedelta(hours=18)
    assert not Sighting.objects.filter(user="unknown").exists()
    assert (Baseline.objects.get().read_to - Baseline.objects.get().read_from).days == 3


@pytest.mark.opensearch
def test_a_partial_answer_is_an_error_and_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    known(1)
    before = Baseline.objects.get().read_to
    monkeypatch.setattr(opensearch, "search", lambda *_args, **_kwargs: {"_shards": {"failed": 1}, "timed_out": False})
    with pytest.raises(OpenSearchError):
        baseline.read_on("okta-*", template_profile("okta-*"))
    assert Baseline.objects.get().read_to == before


def test_a_detection_that_asks_for_the_new_drops_what_is_known_and_grades_what_is_not() -> None:
    monitor = make_monitor("admin-console-new", index_pattern="okta-*", severity=3)
    inputs = revisions.inputs_of(monitor)
    old, new = finding(), finding(country="Singapore")
    assert ingest.judged([old, new], monitor, inputs) == []
    known(10)
    for kind, value in (("network", "3320"), ("country", "Germany"), ("agent", "Mac OS X · CHROME")):
        saw(kind, value)
    kept = ingest.judged([old, new], monitor, inputs)
    assert [(one.severity, one.observed["new_country"]) for one in kept] == [(2, True)]
    assert "never seen in that country" in kept[0].reasons[0]
    assert not Alert.objects.exists()
