"""A first look: what it says of the past is what the pushed monitors make of it."""

import io
import json
import os
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from alerts.choices import OperationKind
from alerts.models import Alert, Occurrence, TicketOperation
from alerts.services import backtests, catchup, surveys
from core import clock, jobs
from core.roles import DETECTION_ENGINEERS
from monitors import opensearch
from monitors.definitions import detection, detection_ids
from monitors.models import BulkPush, Deployment, Monitor, Survey, SurveyFinding, SurveyRow
from monitors.services import revisions
from sandbox.okta.traffic import plan
from tests.factories import make_monitor, make_person, make_user
from tests.monitors.indexing import index_by_template

# CI plays a small organisation; SURVEY_USERS=1000 SURVEY_DAYS=30 play a whole one, with every detection (some twenty minutes).
USERS, DAYS = int(os.environ.get("SURVEY_USERS", "40")), int(os.environ.get("SURVEY_DAYS", "8"))
NOW = clock.now().replace(microsecond=0)
A_FEW = {"brute-force-user", "impossible-travel", "push-fatigue", "password-spray-source", "admin-role-granted",
         "failures-then-success", "mfa-factor-reset", "app-access-denied"}  # fmt: skip
PLAYED = sorted(detection_ids() if "SURVEY_USERS" in os.environ else A_FEW)


@pytest.fixture(scope="module")
def pattern() -> str:
    """Some days of some people, with attacks and look-alikes among them."""
    start = NOW - timedelta(days=DAYS)
    traffic = plan(seed=11, users=USERS, start=start, end=NOW, attacks=3 * DAYS, run_id="survey", engine="both")
    return index_by_template(f"t-survey-{uuid.uuid4().hex[:8]}", traffic.events)


def surveyed(pattern: str, days: int = DAYS) -> Survey:
    survey = surveys.ask(pattern, days, by=None, wake=False)
    jobs.work(Survey, survey.pk, surveys.run, expected=())
    survey.refresh_from_db()
    return survey


def replayed(detection_id: str, pattern: str, survey: Survey) -> Monitor:
    """Return a monitor that has caught up with the days of the survey, by its own search, step by step."""
    definition = detection(detection_id)
    monitor = make_monitor(detection_id, index_pattern=pattern, severity=definition.severity)
    revisions.save(monitor, by="test")
    Deployment.objects.filter(monitor=monitor).update(
        covered_to=survey.begins_at, catch_up_at=clock.now(), opensearch_id=detection_id
    )
    return monitor


@pytest.mark.django_db(transaction=True)
@pytest.mark.opensearch
def test_its_figures_are_what_pushed_monitors_give(pattern: str) -> None:
    survey = surveyed(pattern)
    assert (survey.state, survey.error) == (jobs.State.DONE, "")
    rows = {row.detection: row for row in survey.rows.all()}
    assert set(rows) == set(detection_ids())
    assert not [row.error for row in rows.values() if row.error]
    monitors = {name: replayed(name, pattern, survey) for name in PLAYED}
    catchup.catch_up()
    fired = 0
    for name, monitor in monitors.items():
        result = rows[name].result or {}
        alerts = Alert.objects.filter(monitor=monitor)
        assert result["alerts"] == alerts.count(), name
        assert result["occurrences"] == Occurrence.objects.filter(alert__in=alerts).count(), name
        tickets = TicketOperation.objects.filter(kind=OperationKind.CREATE, case__alerts__in=alerts)
        assert result["alerts"] == tickets.count(), name
        fired += bool(result["alerts"])
    assert fired >= 5


@pytest.mark.django_db
@pytest.mark.opensearch
def test_at_most_twenty_findings_are_worth_judging_and_a_verdict_counts_in_backtests(pattern: str) -> None:
    survey = surveyed(pattern)
    findings = list(survey.findings.all())
    assert 5 < len(findings) <= surveys.WORTH_JUDGING
    assert all("unknown" not in one.sentence for one in findings), [one.sentence for one in findings]
    one = next(finding for finding in findings if finding.detection == "brute-force-user")
    surveys.judge(one, "false_positive", by=make_person())
    monitor = make_monitor("brute-force-user", index_pattern=pattern)
    judged = backtests.judged_in(monitor, survey.begins_at, survey.ends_at)
    assert [(each.key, each.verdict) for each in judged] == [(f"S-{one.pk}", "false_positive")]


@pytest.mark.django_db
@pytest.mark.opensearch
def test_it_goes_on_where_a_task_stopped(pattern: str) -> None:
    survey = surveys.ask(pattern, DAYS, by=None, wake=False)
    jobs.work(Survey, survey.pk, lambda job: surveys.run(job, seconds=0), expected=())
    survey.refresh_from_db()
    assert (survey.state, survey.rows.count()) == (jobs.State.WAITING, 1)
    jobs.work(Survey, survey.pk, surveys.run, expected=())
    survey.refresh_from_db()
    assert (survey.state, survey.rows.count()) == (jobs.State.DONE, len(detection_ids()))


@pytest.mark.django_db
@pytest.mark.opensearch
def test_the_shell_says_the_same(pattern: str) -> None:
    out = io.StringIO()
    call_command("detections", "survey", "--days", str(DAYS), "--index", pattern, "--json", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["detection"] for row in rows] == [row.detection for row in Survey.objects.get().rows.order_by("pk")]
    told = next(row for row in rows if row["detection"] == "brute-force-user")
    assert told["limit"]["publisher"] == detection("brute-force-user").parameters["failures"].default
    assert told["alerts"] > 0


@pytest.mark.django_db
@pytest.mark.opensearch
def test_an_index_that_lacks_fields_says_what_it_cannot_serve(request: pytest.FixtureRequest) -> None:
    bare = {"published": {"type": "date"}} | {name: {"type": "keyword"} for name in ("uuid", "eventType")}
    opensearch.call("PUT", "/t-bare-survey", body={"mappings": {"properties": bare}})
    request.addfinalizer(lambda: opensearch.call("DELETE", "/t-bare-survey"))
    survey = surveyed("t-bare-survey", 1)
    assert survey.state == jobs.State.DONE
    lacking = {row.detection: row.lacks for row in survey.rows.all()}
    assert "actor.id" in lacking["brute-force-user"]
    assert not survey.rows.filter(detection="impossible-travel").exclude(result=None)
    assert surveys.totals(list(survey.rows.all()))["unserved"] > 60
    assert not SurveyFinding.objects.exists()


@pytest.mark.django_db
def test_the_page_is_judged_on_and_chosen_from(client: Client) -> None:
    client.force_login(make_user("eve", role=DETECTION_ENGINEERS, is_staff=True))
    now = clock.now()
    survey = Survey.objects.create(
        index_pattern="okta-*", begins_at=now - timedelta(days=7), ends_at=now, state=jobs.State.DONE
    )
    limit = {"parameter": "failures", "label": "Failures", "publisher": 20, "one_a_week": 34, "then_a_week": 1.0}
    loud = {"alerts": 3, "occurrences": 9, "a_week": 9, "a_day": [9], "limit": limit, "newest": "Anna <b>", "cut": "",
            "quiet": [{"kind": "user", "value": "00u", "name": "svc@example.com", "findings": 7, "of": 9}]}  # fmt: skip
    SurveyRow.objects.create(survey=survey, detection="brute-force-user", result=loud)
    SurveyRow.objects.create(survey=survey, detection="impossible-travel", lacks=["client.geographicalContext"])
    finding = SurveyFinding.objects.create(
        survey=survey, detection="brute-force-user", entity_type="user", entity_id="00u", entity_name="svc@example.com",
        sentence="svc failed 40 times", first_at=now, last_at=now, count=40, severity=3,
    )  # fmt: skip
    address = reverse("alerts:survey", args=[survey.pk])
    page = client.get(address).content.decode()
    for told in (
        "one a week at 34",
        "Anna &lt;b&gt;",
        "7 of 9",
        "svc failed 40 times",
        "lacks client.geographicalContext",
    ):
        assert told in page
    judged = reverse("alerts:judge-finding", args=[survey.pk, finding.pk])
    for wanted in ("false_positive", ""):
        client.post(judged, {"verdict": "false_positive"})
        finding.refresh_from_db()
        assert finding.verdict == wanted
    chosen = {"detection": ["brute-force-user", "impossible-travel", "no-such"], "one_a_week": ["brute-force-user"]}
    answer = client.post(reverse("alerts:choose-from-survey", args=[survey.pk]), chosen)
    monitor, push = Monitor.objects.get(), BulkPush.objects.get()
    assert push.monitors == [str(monitor.pk)]
    assert answer.headers["Location"] == reverse("admin:monitors_monitor_bulk", args=[push.pk])
    assert (monitor.detection, monitor.params, monitor.index_pattern) == (
        "brute-force-user",
        {"failures": 34},
        "okta-*",
    )
    assert "has one" in client.get(address).content.decode()
    client.post(reverse("alerts:choose-from-survey", args=[survey.pk]), chosen)
    assert Monitor.objects.count() == 1


@pytest.mark.django_db
def test_an_analyst_may_judge_and_not_start_or_choose(client: Client) -> None:
    client.force_login(make_user("anna"))
    assert client.get(reverse("alerts:surveys")).status_code == 200
    assert client.post(reverse("alerts:surveys"), {"index": "okta-*", "days": 7}).status_code == 403
    client.force_login(make_user("eve", role=DETECTION_ENGINEERS))
    answer = client.post(reverse("alerts:surveys"), {"index": "okta-*", "days": 7})
    survey = Survey.objects.get()
    assert answer.headers["Location"] == reverse("alerts:survey", args=[survey.pk])
    assert "Waiting for a worker" in client.get(answer.headers["Location"]).content.decode()
    client.post(reverse("alerts:cancel-survey", args=[survey.pk]))
    assert "It was cancelled" in client.get(answer.headers["Location"]).content.decode()
