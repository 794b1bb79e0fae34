"""The pages of one monitor: its sentence, its past, what a run would do now, and two people who save at once."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.activity import person_of
from monitors import opensearch
from monitors.definitions import detection
from monitors.errors import OpenSearchAway
from monitors.findings import read_answer
from monitors.models import Exclusion, IndexProfile, Monitor
from monitors.profiles import template_profile
from monitors.rendering import Inputs
from monitors.services import exclusions, preview, profiles, revisions
from monitors.services.search import context_of
from tests.events import failed_sign_in
from tests.factories import make_monitor, make_user
from tests.monitors.indexing import index_by_template

pytestmark = pytest.mark.django_db

ANNA = [{"kind": "user", "values": ["anna@example.com"]}]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def monitor() -> Monitor:
    monitor = make_monitor(name="Brute force", params={"failures": 20, "window_minutes": 60})
    revisions.save(monitor, by="test")
    return monitor


def page_of(monitor: Monitor, name: str = "change", *more: Any) -> str:
    return reverse(f"admin:monitors_monitor_{name}", args=[monitor.pk, *more])


def form(**changes: Any) -> dict[str, Any]:
    told = {
        "detection": "brute-force-user",
        "name": "Brute force",
        "index_pattern": "okta-system-log-*",
        "severity": "3",
        "interval_seconds": "60",
        "enabled": "on",
        "param_failures": "20",
        "param_window_minutes": "60",
        "reason": "",
    }
    return {**told, **changes}


def test_the_page_tells_the_monitor_in_a_sentence_and_marks_defaults(admin: Client, monitor: Monitor) -> None:
    monitor.params["failures"] = 33
    revisions.save(monitor, by="test")
    page = admin.get(page_of(monitor)).content.decode()
    assert '<a class="number moved" href="#id_param_failures">33</a> failed sign-ins of one user within ' in page
    assert "2 to 10,000" in page
    assert '<a href="?default=failures">Reset to the default</a>' in page
    assert "This is the default." in page
    assert 'name="param_failures" value="20"' in admin.get(f"{page_of(monitor)}?default=failures").content.decode()


def test_the_page_shows_who_is_left_out_by_whom_and_until_when(admin: Client, monitor: Monitor) -> None:
    until = clock.now() + timedelta(days=2)
    owner = person_of(make_user("edda"))
    exclusions.save(
        Exclusion(monitor=monitor, conditions=ANNA, reason="Load test", owner=owner, expires_at=until), by=owner
    )
    page = admin.get(page_of(monitor)).content.decode()
    for words in ("user anna@example.com", "Load test", "edda", f"{until:%Y-%m-%d %H:%M}"):
        assert words in page
    assert f"?monitor={monitor.pk}&amp;next=" in page


def test_saving_stays_with_the_monitor_and_the_other_button_goes_on_to_the_push(
    admin: Client, monitor: Monitor
) -> None:
    answer = admin.post(page_of(monitor), form(param_failures="21", made_from="1", _save="Save revision"))
    assert answer.headers["Location"] == page_of(monitor)
    answer = admin.post(page_of(monitor), form(param_failures="22", made_from="2", _push="Save and push…"))
    assert answer.headers["Location"] == page_of(monitor, "push")


def test_the_second_of_two_sees_the_firsts_change_and_is_asked(admin: Client, monitor: Monitor) -> None:
    monitor.params = {"failures": 25, "window_minutes": 60}
    revisions.save(monitor, by=person_of(make_user("edda")), reason="quieter")
    answer = admin.post(page_of(monitor), form(param_failures="40", made_from="1"))
    page = answer.content.decode()
    assert "edda saved revision 2" in page
    assert "(quieter)" in page
    assert "Failed sign-ins: 20 → 25" in page
    assert 'name="made_from" value="2"' in page
    monitor.refresh_from_db()
    assert monitor.params["failures"] == 25
    admin.post(page_of(monitor), form(param_failures="40", made_from="2"))
    monitor.refresh_from_db()
    assert (monitor.params["failures"], monitor.revisions.count()) == (40, 3)


def test_one_goes_back_to_an_old_revision_and_is_offered_the_push(
    admin: Client, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor.params = {"failures": 50, "window_minutes": 60}
    revisions.save(monitor, by="test", reason="too loud")
    page = admin.get(page_of(monitor)).content.decode()
    assert "Failed sign-ins: 20 → 50" in page
    assert page_of(monitor, "roll_back", 1) in page
    assert page_of(monitor, "roll_back", 2) not in page
    page = admin.get(page_of(monitor, "roll_back", 1)).content.decode()
    assert "Failed sign-ins: 50 → 20" in page
    answer = admin.post(page_of(monitor, "roll_back", 1), {"reason": "we missed one"})
    assert answer.headers["Location"] == page_of(monitor, "push")
    newest = monitor.revisions.first()
    assert newest is not None
    assert (newest.number, newest.reason, str(newest.author)) == (3, "Rolled back to revision 1: we missed one", "root")


def test_a_monitor_is_duplicated_with_its_values_under_another_name(admin: Client, monitor: Monitor) -> None:
    monitor.params["failures"] = 33
    monitor.save()
    page = admin.get(f"/admin/monitors/monitor/add/?detection=brute-force-user&copy_of={monitor.pk}").content.decode()
    assert 'value="Brute force (copy)"' in page
    assert 'name="param_failures" value="33"' in page


def test_the_json_is_shown_and_given_as_a_file(admin: Client, monitor: Monitor) -> None:
    assert "query_level_monitor" in admin.get(page_of(monitor, "json")).content.decode()
    answer = admin.get(f"{page_of(monitor, 'json')}?download=1")
    assert json.loads(answer.content)["name"] == "Brute force"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="brute-force.json"'


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("q=push+refused", "push-fatigue-success", "zone-changed"),
        ("attack=T1621", "push-fatigue", "zone-changed"),
        ("severity=1", "push-fatigue-success", "admin-console-denied"),
    ],
)
def test_the_catalogue_is_searched_and_filtered(admin: Client, query: str, there: str, not_there: str) -> None:
    page = admin.get(f"/admin/monitors/monitor/add/?{query}").content.decode()
    assert f"?detection={there}" in page
    assert f"?detection={not_there}" not in page


def test_a_search_that_finds_no_detection_says_what_to_do(admin: Client) -> None:
    assert "Take a filter away" in admin.get("/admin/monitors/monitor/add/?q=zzzz").content.decode()


def test_what_an_index_cannot_serve_is_said_before_one_chooses(admin: Client, settings: Any) -> None:
    learnt = template_profile(settings.OKTADETECT_INDEX_PATTERN).to_json()
    learnt["point"] = None
    IndexProfile.objects.create(pattern=settings.OKTADETECT_INDEX_PATTERN, learnt=learnt, learnt_at=clock.now())
    page = admin.get("/admin/monitors/monitor/add/?q=impossible-travel").content.decode()
    assert "Cannot be served by" in page
    assert "lacks client.geographicalContext.geolocation" in page


WHOLE = {"took": 3, "timed_out": False, "_shards": {"total": 3, "failed": 0}}
VALUE = {"truncated": False, "capped": False, "found": 0, "read": 7, "findings": []}
NOTHING = {**WHOLE, "aggregations": {"f": {"value": VALUE}}}
ON_THE_BEAT = clock.from_ms(1_764_000_000_000)


@pytest.mark.parametrize(
    ("result", "seconds", "posts", "words"),
    [
        (NOTHING, 120, False, "nothing would be posted"),
        (NOTHING, 30, True, "heartbeat"),
        ({**NOTHING, "timed_out": True}, 120, True, "fault"),
        ({**NOTHING, "_shards": {"total": 3, "failed": 1}}, 120, True, "fault"),
        (WHOLE, 120, True, "fault"),
        ({**WHOLE, "aggregations": {"f": {"value": {**VALUE, "truncated": True}}}}, 120, True, "fault"),
    ],
)  # fmt: skip
def test_the_condition_is_judged_as_its_script_does(result: Any, seconds: int, posts: bool, words: str) -> None:
    inputs = Inputs(detection("brute-force-user"), {}, template_profile("okta-*"), "u", "n", 3, 60)
    at = ON_THE_BEAT + timedelta(seconds=seconds)
    told = preview.judge(inputs, result, read_answer(result, context_of(inputs)), at)
    assert told[0] is posts
    assert words in told[1]


def test_opensearch_being_away_is_said_by_a_dry_run(
    admin: Client, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("OpenSearch did not answer within 30 s.")

    monkeypatch.setattr(profiles, "learn", away)
    page = admin.get(page_of(monitor, "dry_run")).content.decode()
    assert "did not answer within 30 s" in page
    assert "nothing was posted" in page


def test_a_dry_run_of_values_that_cannot_be_names_the_field(admin: Client, monitor: Monitor) -> None:
    page = admin.post(page_of(monitor, "dry_run"), form(param_failures="1")).content.decode()
    assert "Failed sign-ins" in page
    assert "greater than or equal to 2" in page


@pytest.mark.opensearch
def test_a_dry_run_tells_what_would_be_posted_with_saved_and_with_unsaved_values(
    admin: Client, opensearch_url: str
) -> None:
    now = clock.now()
    events = [failed_sign_in(now - timedelta(minutes=30 - step)) for step in range(22)]
    pattern = index_by_template(f"t-dry-{now:%H%M%S%f}", events)
    monitor = make_monitor(name="Brute force", index_pattern=pattern)
    page = admin.get(page_of(monitor, "dry_run")).content.decode()
    assert "It would post 1 finding." in page
    assert "22 failed sign-ins of anna@example.com" in page
    assert "(limit 20)" in page
    assert "22 events read" in page
    assert f"&quot;trigger&quot;: &quot;{monitor.pk}&quot;" in page
    unsaved = form(index_pattern=pattern, param_failures="23")
    page = admin.post(page_of(monitor, "dry_run"), unsaved).content.decode()
    assert "Nothing is found" in page
    assert "are not saved" in page
    page = admin.post(
        "/admin/monitors/monitor/dry-run/", {**unsaved, "name": "Another", "param_failures": "22"}
    ).content.decode()
    assert "It would post 1 finding." in page
    exclusions.save(Exclusion(monitor=monitor, conditions=ANNA, reason="test"), by="test")
    assert "Nothing is found" in admin.get(page_of(monitor, "dry_run")).content.decode()
    monitor.refresh_from_db()
    assert monitor.params == {}
    opensearch.call(
        "DELETE", f"/{pattern.replace('*', now.strftime('%Y.%m.%d'))}", params={"ignore_unavailable": "true"}
    )


def test_whoever_may_only_look_is_offered_no_save_and_no_way_back(client: Client, monitor: Monitor) -> None:
    client.force_login(make_user("analyst", is_staff=True))
    monitor.params = {"failures": 50, "window_minutes": 60}
    revisions.save(monitor, by="test")
    page = client.get(page_of(monitor)).content.decode()
    assert "Save revision" not in page
    assert "Roll back to this" not in page
    assert client.get(page_of(monitor, "roll_back", 1)).status_code == 403
    assert client.get(page_of(monitor, "json")).status_code == 200
