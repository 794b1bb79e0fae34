"""What is covered is said by what was proved and what the index holds, never guessed."""

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alerts.models import Rehearsal
from core import clock
from monitors.definitions import catalog
from monitors.models import IndexProfile, Monitor
from monitors.profiles import template_profile
from monitors.services import coverage, events
from tests.events import failed_sign_in, sign_in
from tests.factories import make_monitor, make_user
from tests.monitors.indexing import index_by_template

pytestmark = pytest.mark.django_db

PATTERN = "okta-system-log-*"
RISK = "policy.auth_reevaluate.fail"


def held(*types: str, days: int = 30, last: datetime | None = None) -> dict[str, Any]:
    """What an index held each day until `last`, today unless told otherwise."""
    end = last or clock.now()
    each = {f"{end - timedelta(days=day):%Y-%m-%d}": 5 for day in range(days)}
    return {name: {"events": 5 * days, "last": end.isoformat(), "days": each} for name in types}


def profile(types: dict[str, Any], **changes: Any) -> IndexProfile:
    learnt = {**template_profile(PATTERN).to_json(), **changes}
    return IndexProfile.objects.create(
        pattern=PATTERN, learnt=learnt, learnt_at=clock.now(), event_types=types, event_types_at=clock.now()
    )


def rehearsed(monitor: Monitor, state: str = "done", *, days_ago: int = 1) -> None:
    row = Rehearsal.objects.create(monitor=monitor, index_pattern=PATTERN, state=state, cleaned_at=clock.now())
    Rehearsal.objects.filter(pk=row.pk).update(asked_at=clock.now() - timedelta(days=days_ago))


def cell(detection: str = "brute-force-user") -> coverage.Cell:
    return next(cell for one in coverage.techniques() for cell in one.cells if cell.definition.id == detection)


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_user())
    return client


def test_a_detection_without_a_monitor_is_missing() -> None:
    assert (cell().state, cell().why) == ("missing", ("No monitor of it was made.",))


def test_a_monitor_that_runs_is_deployed_and_proved_once_it_was_rehearsed() -> None:
    monitor = make_monitor(detection="brute-force-user")
    assert (cell().state, cell().why) == ("deployed", ("It was never rehearsed.",))
    rehearsed(monitor)
    assert (cell().state, cell().why) == ("proved", ())


@pytest.mark.parametrize(
    ("state", "days_ago", "why"),
    [
        ("failed", 1, "Its last rehearsal: failed."),
        ("done", 91, "Its last rehearsal is older than 90 days."),
    ],
)
def test_a_rehearsal_that_failed_or_is_old_proves_nothing(state: str, days_ago: int, why: str) -> None:
    rehearsed(make_monitor(detection="brute-force-user"), state, days_ago=days_ago)
    assert (cell().state, cell().why) == ("deployed", (why,))


def test_the_last_rehearsal_counts_not_the_best() -> None:
    monitor = make_monitor(detection="brute-force-user")
    rehearsed(monitor, days_ago=2)
    rehearsed(monitor, "failed", days_ago=1)
    assert cell().state == "deployed"


def test_a_monitor_with_a_fault_is_not_proved() -> None:
    monitor = make_monitor(detection="brute-force-user")
    rehearsed(monitor)
    monitor.deployment.fault = "The monitor was disabled in OpenSearch."
    monitor.deployment.save()
    assert (cell().state, cell().why) == ("deployed", ("The monitor was disabled in OpenSearch.",))


def test_a_monitor_whose_events_never_come_is_blind_and_says_which() -> None:
    monitor = make_monitor(detection="brute-force-user")
    rehearsed(monitor)
    profile(held("user.account.lock"))
    told = cell()
    assert told.state == "blind"
    assert "user.session.start" in told.why[0]
    assert "never seen in okta-system-log-* in 30 days" in told.why[0]


def test_a_monitor_whose_index_lacks_a_field_is_blind_and_says_which() -> None:
    make_monitor(detection="impossible-travel")
    profile(held("user.session.start"), point=None)
    assert cell("impossible-travel").why == ("okta-system-log-* lacks client.geographicalContext.geolocation.",)


def test_what_only_one_engine_writes_is_said_so() -> None:
    definition = next(one for one in catalog().values() if RISK in one.event_types())
    (said,) = events.need(definition, profile(held("user.session.start"))).sentences(PATTERN)[:1]
    assert "Only Identity Engine writes it, or the pipeline drops it" in said


def test_the_engine_is_told_by_what_only_it_writes() -> None:
    assert events.engine(held("user.session.start")) == ""
    assert events.engine(held("user.session.start", "device.enrollment.create")) == "Identity Engine"
    assert events.engine(held("user.mfa.okta_verify.deny_push")) == "Classic Engine"


def test_a_type_that_came_each_day_and_stopped_is_missed_and_a_rare_one_is_not() -> None:
    gone = clock.now() - timedelta(days=5)
    row = profile(
        {
            **held("user.session.start"),
            **held("user.account.lock", days=20, last=gone),
            **held("system.api_token.create", days=2, last=gone),
        }
    )
    assert events.stopped(row) == {"user.account.lock": f"{gone:%Y-%m-%d}"}


def test_an_hour_without_events_between_busy_ones_is_a_gap_and_a_quiet_night_is_none() -> None:
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    counts = [300, 0, 280, 12, 0, 5]
    hours = {start + timedelta(hours=hour): count for hour, count in enumerate(counts)}
    assert events.silent_hours(hours) == [start + timedelta(hours=1)]


@pytest.mark.opensearch
def test_what_an_index_holds_is_read_whole_and_then_only_what_came_since() -> None:
    now = clock.now()
    name = f"t-{uuid.uuid4().hex[:12]}"
    old = [sign_in(now - timedelta(days=20, minutes=n)) for n in range(3)]
    pattern = index_by_template(name, [*old, failed_sign_in(now - timedelta(minutes=5))])
    row = events.read(pattern)
    assert row.event_types["user.session.start"]["events"] == 4
    assert len(row.event_types["user.session.start"]["days"]) == 2
    assert row.newest_event_at is not None
    assert now - row.newest_event_at < timedelta(minutes=6)
    again = events.read(pattern)
    assert again.event_types == row.event_types


def test_the_page_is_read_in_a_few_queries_however_many_monitors_there_are(reader: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert reader.get("/coverage/").status_code == 200
        return len(seen)

    make_monitor(detection="brute-force-user")
    few = queries()
    for detection in list(catalog())[:20]:
        rehearsed(make_monitor(detection=detection))
    assert queries() == few


def test_the_page_says_the_state_in_words_and_narrows_to_one(reader: Client) -> None:
    rehearsed(make_monitor(detection="impossible-travel"))
    page = reader.get("/coverage/?state=proved").content.decode()
    assert "T1078.004" in page
    assert "Valid Accounts: Cloud Accounts" in page
    assert "T1528" not in page
    assert "T1528" in reader.get("/coverage/?state=nonsense").content.decode()


def test_the_table_goes_out_as_csv_that_no_spreadsheet_computes(reader: Client) -> None:
    make_monitor(detection="brute-force-user", name="=HYPERLINK(1)")
    answer = reader.get("/coverage/table.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    row = next(row for row in rows if row["detection"] == "brute-force-user")
    assert (row["state"], row["monitor"]) == ("deployed", "'=HYPERLINK(1)")


def test_the_layer_scores_each_technique_once(reader: Client) -> None:
    rehearsed(make_monitor(detection="impossible-travel"))
    layer = json.loads(reader.get("/coverage/layer.json").content)
    scores = {one["techniqueID"]: one["score"] for one in layer["techniques"]}
    assert len(scores) == len(layer["techniques"])
    assert scores["T1078.004"] == 3
    assert layer["domain"] == "enterprise-attack"


def test_every_technique_of_the_catalogue_has_a_name() -> None:
    assert [one.id for one in coverage.techniques() if one.name == one.id] == []


def test_who_has_no_role_sees_no_coverage(client: Client) -> None:
    client.force_login(make_user(role=""))
    assert {client.get(f"/coverage/{page}").status_code for page in ("", "table.csv", "layer.json")} == {403}
