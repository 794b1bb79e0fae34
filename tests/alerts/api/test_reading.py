"""What programs read."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.choices import DeliveryStatus, OperationKind, OperationState, Status, Verdict
from alerts.models import Alert, Case
from alerts.rules import Rule
from alerts.services import comments, suppression, triage
from alerts.services.suppression import Wanted
from core import clock
from core.models import Person
from tests.alerts.api.client import Program
from tests.factories import (
    ago,
    involve,
    make_alert,
    make_delivery,
    make_event,
    make_evidence,
    make_monitor,
    make_occurrence,
    make_operation,
    make_person,
    make_ticket,
    make_travel_alert,
)

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\u202e\"'=cmd|' /C calc'!A0"


def keys(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["key"] for one in answer.json()["results"]]


def test_alerts_are_listed_newest_first_with_what_a_row_of_the_queue_says(soar: Program, mira: Person) -> None:
    make_alert()
    alert = make_alert(severity=1, assignee=mira, countries=["Norway"], monitor=make_monitor())
    make_ticket(alert, "SEC-9")
    first = soar.get("/alerts/").json()["results"][0]
    assert first["key"] == str(alert)
    assert first["sentence"] == alert.sentence
    assert first["url"].endswith(f"/alerts/{alert.pk}/")
    assert first["assignee"] == {"name": "Mira Okafor", "username": "mira"}
    assert first["ticket"]["key"] == "SEC-9"
    assert first["verdict"] is None
    assert first["observed"] == {"count": 22, "values": 2, "seconds": 664}
    assert first["monitor"] == str(alert.monitor_id)


def test_the_filters_are_those_of_the_queue(soar: Program, mira: Person) -> None:
    grave, mine, closed = make_alert(severity=1), make_alert(assignee=mira), make_alert(status=Status.CLOSED)
    assert keys(soar.get("/alerts/")) == [str(mine), str(grave)]
    assert keys(soar.get("/alerts/", tab="all")) == [str(closed), str(mine), str(grave)]
    assert keys(soar.get("/alerts/", tab="mine")) == [str(mine)]
    assert keys(soar.get("/alerts/", severity=1)) == [str(grave)]
    assert keys(soar.get("/alerts/", **{"not": "severity:1"})) == [str(mine)]
    assert keys(soar.get("/alerts/", assignee="nobody")) == [str(grave)]
    assert keys(soar.get("/alerts/", q=grave.entity_name)) == [str(grave)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"severty": "1"}, "severty"),
        ({"severity": "9"}, "severity"),
        ({"tab": "nowhere"}, "tab"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"before": "x"}, "before"),
        ({"after": "-1"}, "after"),
        ({"not": "severity"}, "not"),
        ({"not": "sentence:x"}, "not"),
        ({"group": "entity"}, "group"),
        ({"q": "a\x00b"}, "q"),
        ({"offset": "20"}, "offset"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_and_never_left_out(
    soar: Program, query: dict[str, str], field: str
) -> None:
    answer = soar.get("/alerts/", **query)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_a_parameter_is_given_once_but_what_is_left_out(soar: Program) -> None:
    assert soar.get("/alerts/?severity=1&severity=2").json() == {"severity": ["It is given twice."]}
    alert = make_alert(severity=4)
    assert keys(soar.get("/alerts/?not=severity:1&not=severity:2")) == [str(alert)]


@pytest.mark.parametrize("path", ["/monitors/", "/me/", "/pipeline/health/", "/cases/", "/entities/"])
def test_no_operation_takes_a_parameter_that_it_does_not_have(soar: Program, path: str) -> None:
    answer = soar.get(path, severity=1)
    assert answer.status_code == 400
    assert answer.json() == {"severity": ["There is no such parameter."]}


def test_next_leads_through_all_of_them_though_new_ones_come(soar: Program) -> None:
    made = [str(make_alert()) for _ in range(5)]
    answer = soar.get("/alerts/", limit=2, tab="all")
    seen = keys(answer)
    make_alert()
    while answer.json()["next"]:
        answer = soar.get(answer.json()["next"])
        seen += keys(answer)
    assert seen == made[::-1]


def test_what_is_new_is_followed_by_the_highest_id(soar: Program) -> None:
    before, after = make_alert(), make_alert()
    assert keys(soar.get("/alerts/", tab="all", after=before.pk)) == [str(after)]
    assert keys(soar.get("/alerts/", tab="all", after=after.pk)) == []


def test_one_alert_says_all_that_its_page_says(soar: Program, mira: Person) -> None:
    alert = make_travel_alert(monitor=make_monitor("impossible-travel"))
    make_ticket(alert, "SEC-7")
    triage.acknowledge(alert.pk, mira)
    told = soar.get(f"/alerts/{alert.pk}/").json()
    assert told["version"] == triage.newest_change(alert)
    speed = next(one for one in told["readings"] if "km/h" in one["value"])
    assert speed["limit"] == "limit 900"
    assert speed["comparison"].endswith("times the limit")
    assert {"ip", "user"} == {one["kind"] for one in told["involved"]}
    assert len(told["occurrences"]) == 1
    assert told["ticket"]["key"] == "SEC-7"
    assert [one["kind"] for one in told["operations"]] == ["create"]
    assert (told["history"][0]["who"], told["history"][0]["words"]) == ("Mira Okafor", "acknowledged it")
    assert told["severity_reasons"] == ["one of the places is a proxy or anonymiser"]


def test_evidence_is_told_in_short_and_whole(soar: Program) -> None:
    alert = make_alert(events=[make_event(user=HOSTILE)])
    occurrence = alert.occurrences.get()
    make_evidence(occurrence, [{"uuid": "e1", "displayMessage": HOSTILE, "actor": {"alternateId": HOSTILE}}])
    told = soar.get(f"/alerts/{alert.pk}/evidence/").json()
    assert told["told"][0]["user"] == HOSTILE
    assert told["events"][0]["actor"]["alternateId"] == HOSTILE
    assert told["sha256"] == "01" * 32
    assert soar.get(f"/alerts/{alert.pk}/evidence/", occurrence=occurrence.pk).json() == told
    assert soar.get(f"/alerts/{make_alert().pk}/evidence/", occurrence=occurrence.pk).status_code == 404


def test_an_alert_without_evidence_says_so(soar: Program) -> None:
    alert = make_alert()
    alert.occurrences.all().delete()
    told = soar.get(f"/alerts/{alert.pk}/evidence/").json()
    assert (told["occurrence"], told["told"], told["events"], told["sha256"]) == (None, [], [], None)


def test_what_attackers_wrote_is_text_in_json_and_the_browser_is_told_so(soar: Program) -> None:
    alert = make_alert(entity_name=HOSTILE, sentence=HOSTILE, observed={HOSTILE: HOSTILE}, countries=[HOSTILE[:80]])
    answer = soar.get(f"/alerts/{alert.pk}/")
    assert answer.json()["sentence"] == HOSTILE
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_comments_are_listed_newest_first(soar: Program, mira: Person) -> None:
    alert = make_alert()
    comments.add(alert.pk, mira, text="First")
    comments.add(alert.pk, make_person(), text=HOSTILE)
    told = soar.get(f"/alerts/{alert.pk}/comments/").json()["results"]
    assert [one["text"] for one in told] == [HOSTILE, "First"]
    assert told[1]["author"]["username"] == "mira"


def test_an_entity_tells_what_is_known_of_it(soar: Program) -> None:
    alert = make_travel_alert(status=Status.CLOSED, verdict=Verdict.FALSE_POSITIVE)
    listed = soar.get("/entities/", kind="ip").json()["results"]
    assert {one["value"] for one in listed} == {"198.51.100.24", "203.0.113.9"}
    assert soar.get("/entities/", q="198.51").json()["results"][0]["value"] == "198.51.100.24"
    told = soar.get("/entities/ip/198.51.100.24/").json()
    assert told["summary"]["alerts"] == 1
    assert told["summary"]["verdicts"] == [{"verdict": "False positive", "alerts": 1}]
    assert {one["kind"] for one in told["together"]} == {"ip", "user"}
    assert keys(soar.get("/entities/ip/198.51.100.24/alerts/")) == [str(alert)]


def test_the_alerts_of_an_entity_are_paged(soar: Program) -> None:
    made = [make_alert(entity_name="anna@example.com", status=Status.CLOSED) for _ in range(3)]
    answer = soar.get("/entities/user/anna@example.com/alerts/", limit=2)
    assert keys(answer) == [str(made[2]), str(made[1])]
    rest = soar.get(answer.json()["next"])
    assert keys(rest) == [str(made[0])]
    assert rest.json()["next"] is None


def test_an_entity_of_any_name_has_an_address(soar: Program) -> None:
    alert = make_alert()
    involve(alert, "device", "a/../b?c=1", "device")
    told = soar.get("/entities/device/~YS8uLi9iP2M9MQ/").json()
    assert told["value"] == "a/../b?c=1"
    assert keys(soar.get("/entities/device/~YS8uLi9iP2M9MQ/alerts/")) == [str(alert)]
    assert soar.get("/entities/planet/mars/").status_code == 404


def test_cases_tell_their_alerts_and_their_ticket(soar: Program) -> None:
    alert = make_alert()
    make_ticket(alert, "SEC-3")
    make_alert(case=alert.case)
    listed = soar.get("/cases/").json()["results"]
    case = next(one for one in listed if one["id"] == alert.case_id)
    assert (case["alert_count"], case["ticket"]["key"]) == (2, "SEC-3")
    told = soar.get(f"/cases/{alert.case_id}/").json()
    assert len(told["alerts"]) == 2
    assert told["operations"][0]["state"] == "done"
    assert soar.get("/cases/404/").status_code == 404


def test_cases_are_found_by_whom_they_are_about_and_by_their_ticket(soar: Program) -> None:
    anna, other = make_alert(), make_alert(entity_id="00u-other")
    make_ticket(anna, "SEC-3")

    def found(**query: str) -> list[int]:
        return [one["id"] for one in soar.get("/cases/", **query).json()["results"]]

    assert found() == [other.case_id, anna.case_id]
    assert found(entity=other.case.entity_id) == [other.case_id]
    assert found(ticket="sec-3") == [anna.case_id]
    assert found(ticket="SEC-3", entity=other.case.entity_id) == []


def test_cases_are_narrowed_to_a_policy_and_to_those_that_are_open(soar: Program, mira: Person) -> None:
    done, half, weak = make_alert(), make_alert(), make_alert()
    make_alert(case=half.case)
    for alert in (done, half):
        triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="A test")
    Case.objects.filter(pk=weak.case_id).update(ticket_policy="score")

    def found(**query: str) -> list[int]:
        return [one["id"] for one in soar.get("/cases/", **query).json()["results"]]

    assert found() == found(tab="all")
    assert {done.case_id, half.case_id, weak.case_id} < set(found())
    assert found(tab="open") == [weak.case_id, half.case_id]
    assert found(policy="score") == [weak.case_id]
    assert found(policy="own", tab="open") == [half.case_id]
    assert soar.get("/cases/", policy="odd").status_code == 400


def test_suppressions_tell_what_they_hide_by_whom_and_until_when(soar: Program, mira: Person) -> None:
    rule = Rule.from_json(
        [{"kind": "country", "values": [HOSTILE]}, {"kind": "entity", "values": ["anna@example.com"]}]
    )
    row = suppression.make(Wanted(rule, "A test of the VPN", mira, clock.now() + timedelta(days=7)), mira)
    listed = soar.get("/suppressions/", state="in_force").json()["results"]
    assert [(one["key"], one["reason"], one["ended_at"]) for one in listed] == [(str(row), "A test of the VPN", None)]
    assert listed[0]["conditions"][0]["values"] == [HOSTILE]
    assert listed[0]["owner"]["username"] == "mira"
    assert soar.get("/suppressions/", state="ended").json()["results"] == []
    suppression.withdraw(row.pk, mira)
    assert soar.get(f"/suppressions/{row.pk}/").json()["ended_at"] is not None
    assert soar.get("/suppressions/", state="in_force").json()["results"] == []
    assert len(soar.get("/suppressions/", state="ended").json()["results"]) == 1


def test_monitors_tell_their_state_their_fault_and_when_they_were_heard(soar: Program) -> None:
    monitor, unpushed = make_monitor(severity=1), make_monitor(deployed=False)
    monitor.deployment.fault = "OpenSearch no longer holds this monitor. Push it to mend it."
    monitor.deployment.save()
    make_alert(monitor=monitor)
    make_alert(monitor=monitor, status=Status.CLOSED)
    listed = soar.get("/monitors/").json()["results"]
    assert [one["uuid"] for one in listed] == [str(monitor.pk), str(unpushed.pk)]
    assert listed[0]["deployment"]["fault"].startswith("OpenSearch no longer holds")
    assert listed[0]["open_alerts"] == 1
    assert listed[1]["deployment"] is None
    assert soar.get(f"/monitors/{monitor.pk}/").json() == listed[0]


def test_the_measures_are_those_of_the_page(soar: Program, mira: Person) -> None:
    alert = make_alert()
    triage.close(alert.pk, mira, verdict=Verdict.FALSE_POSITIVE, reason="Test")
    told = soar.get("/measures/", days=30).json()
    assert told["days"] == 30
    assert told["times"][0]["alerts"] == 1
    assert told["times"][0]["resolve"]["p50"] is not None
    assert told["detections"][0]["false_positives"] == 1
    assert (told["detections"][0]["suppressed"], told["plumbing"]["suppressed"]) == (0, 0)
    assert sum(one["alerts"] for one in told["open_by_age"]) == 0
    assert soar.get("/measures/").json()["days"] == 90
    assert soar.get("/measures/", days=31).status_code == 400


def test_the_pipeline_tells_whether_it_is_well_what_came_and_what_is_owed(soar: Program) -> None:
    assert soar.get("/pipeline/health/").json()["is_well"] is True
    alert = make_alert()
    failed = make_operation(alert, state=OperationState.FAILED, last_error="Jira refused it.")
    bad = make_delivery(status=DeliveryStatus.QUARANTINED, reason="No JSON.", received_at=ago(minutes=1))
    make_delivery()
    told = soar.get("/pipeline/health/").json()
    assert (told["is_well"], told["quarantined"], told["tickets_late"]) == (False, 1, 1)
    listed = soar.get("/pipeline/deliveries/", status="quarantined").json()["results"]
    assert [one["id"] for one in listed] == [str(bad.pk)]
    assert soar.get(f"/pipeline/deliveries/{bad.pk}/").json()["reason"] == "No JSON."
    owed = soar.get("/pipeline/operations/").json()["results"]
    assert [(one["id"], one["last_error"]) for one in owed] == [(str(failed.pk), "Jira refused it.")]


def test_deliveries_are_paged_by_their_uuid(soar: Program) -> None:
    made = [str(make_delivery().pk) for _ in range(3)]
    answer = soar.get("/pipeline/deliveries/", limit=2).json()
    rest = soar.get(answer["next"]).json()
    assert [one["id"] for one in [*answer["results"], *rest["results"]]] == made[::-1]


def test_a_program_learns_who_it_is_and_what_it_may(soar: Program) -> None:
    told = soar.get("/me/").json()
    assert told["person"] == {"name": "Mira Okafor", "username": "mira"}
    assert told["token"]["name"] == "SOAR"
    assert "alerts:decide" in told["may"]


@pytest.mark.parametrize(
    "path",
    [
        "/alerts/404/",
        "/alerts/404/evidence/",
        "/alerts/404/comments/",
        "/monitors/00000000-0000-0000-0000-000000000007/",
        "/pipeline/deliveries/00000000-0000-0000-0000-000000000007/",
    ],
)
def test_what_does_not_exist_is_not_found(soar: Program, path: str) -> None:
    answer = soar.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "detail"}


LISTS = ["/alerts/?tab=all", "/cases/", "/monitors/", "/pipeline/operations/", "/entities/"]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_for_one_alert_and_for_fifty(
    soar: Program, path: str, django_assert_num_queries: Any, mira: Person
) -> None:
    def made() -> Alert:
        alert = make_alert(monitor=make_monitor(), assignee=make_person(), closed_by=mira)
        make_ticket(alert)
        make_operation(alert, state=OperationState.FAILED, kind=OperationKind.COMMENT)
        comments.add(alert.pk, make_person(), text="Seen")
        return alert

    made()
    soar.get(path)  # the token's last use is noted once a minute
    cost = {"/alerts/?tab=all": 3, "/cases/": 3, "/monitors/": 4, "/pipeline/operations/": 3, "/entities/": 5}[path]
    with django_assert_num_queries(cost):
        assert len(soar.get(path).json()["results"]) == 1
    for _ in range(49):
        made()
    with django_assert_num_queries(cost):
        assert len(soar.get(path).json()["results"]) == 50


def test_one_alert_costs_the_same_however_much_belongs_to_it(
    soar: Program, mira: Person, django_assert_num_queries: Any
) -> None:
    alert = make_alert(assignee=make_person(), closed_by=mira)
    make_ticket(alert)

    def grow() -> None:
        make_occurrence(alert)
        make_operation(alert, OperationKind.COMMENT)
        involve(alert, "ip", f"203.0.113.{alert.involved.count()}", "source")
        triage.assign(alert.pk, make_person(), to=make_person())
        comments.add(alert.pk, make_person(), text="Seen")

    grow()
    soar.get(f"/alerts/{alert.pk}/")  # the token's last use is noted once a minute
    for _ in range(2):
        with django_assert_num_queries(10):
            soar.get(f"/alerts/{alert.pk}/")
        for _ in range(10):
            grow()
    told = soar.get(f"/alerts/{alert.pk}/").json()
    assert min(len(told[name]) for name in ("involved", "occurrences", "operations", "history")) > 10
