"""
A world in which every page has something to show. Each function makes rows and tells the pages that show them.

Whatever somebody may have written goes through `say`: an ordinary word stays as it is, and a hostile world puts its own in its place.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from alerts.choices import DeliveryStatus, OperationState
from alerts.models import BulkDecision, JiraState, Rehearsal, SavedView, Suppression, TicketTemplate
from core import clock, jobs
from core.models import Activity, Person
from monitors.models import (
    Backtest,
    BulkPush,
    Deployment,
    Exclusion,
    IndexProfile,
    NamedList,
    Survey,
    SurveyFinding,
    SurveyRow,
)
from monitors.profiles import template_profile
from monitors.services import exclusions, importing, push, revisions
from tests.browser.pages import NO_PAGE, At
from tests.browser.scenes import working_day
from tests.browser.test_entities import burst
from tests.factories import ago, make_alert, make_delivery, make_monitor, make_operation, make_ticket

Say = Callable[[str], str]
RULE = """
title: Zone deleted
id: 11111111-2222-4333-8444-666666666666
status: test
level: medium
logsource: {product: okta, service: okta}
detection:
  selection:
    eventtype: zone.delete
  condition: selection
"""


def every_page(root: Person, say: Say = str) -> list[At]:
    """Make a world, and return all of its pages for somebody who may do everything."""
    return [
        *queue(root, say),
        *alert_pages(root, say),
        *worked_together(root, say),
        *pipeline(say),
        *monitors(root, say),
        *played(root, say),
        *admin_tables(say),
        *accounts(),
    ]


def queue(root: Person, say: Say) -> Iterator[At]:
    """The queue, and one decision on many."""
    alert = working_day(root)
    SavedView.objects.create(owner=root, name=say("Mine, graver than low")[:60], query="tab=mine&severity=2")
    done = [[alert.pk, 1, "Closed as false positive."], [alert.pk + 1, None, say("It was changed meanwhile.")]]
    bulk = BulkDecision.objects.create(
        kind="close", alerts=[alert.pk, alert.pk + 1], total=2, done=2, state=jobs.State.DONE, results=done, asked_by=root
    )  # fmt: skip
    yield At("alerts:queue")
    yield At("alerts:queue", query="?tab=closed")
    yield At("alerts:queue", query="?tab=all&entity=nobody-has-this-name")
    yield At("alerts:queue", query="?tab=all&severity=1&not=detection:Impossible+travel")
    yield At("alerts:bulk", (bulk.pk,))
    yield At("alerts:decide-bulk", post={"kind": "close", "alerts": str(alert.pk)})
    yield At("alerts:entities")
    yield At("alerts:entities", query="?q=anna")
    yield At("alerts:entity", ("ip", "203.0.113.9"))
    yield At("alerts:entity", ("device", "4e1c9f0ab27d"))
    yield At("alerts:measures")
    yield At("alerts:first-run")


def alert_pages(root: Person, say: Say) -> Iterator[At]:
    """An alert with a burst, and the pages of what one decides on it."""
    alert = burst()
    alert.comments.create(author=root, text=say("Called her; she did not push."))
    for name in ("alert", "assign", "snooze", "close", "arrange", "runbook"):
        yield At(f"alerts:{name}", (alert.pk,))
    yield At("alerts:close", (alert.pk,), post={"verdict": "", "seen": "0"}, status=422)
    yield At("alerts:entity", ("user", "00uanna"))
    yield At("alerts:entity", ("user", "00uanna"), "?live=1")
    yield At("alerts:entity", ("session", "idxA1b2C3d4"))


def worked_together(root: Person, say: Say) -> Iterator[At]:
    """A case with its ticket and its score, and a suppression with what it hides."""
    alert = make_alert(sentence=say("Something weak"))
    alert.case.ticket_policy = "score"
    parts = [{"alert": alert.pk, "sentence": say("Something weak"), "points": 20, "severity": 3}]
    alert.case.score = {"sum": 20, "needed": 100, "hours": 24, "signals": parts}
    alert.case.save()
    make_ticket(alert, status=say("To Do")[:80])
    row = Suppression.objects.create(
        conditions=[{"kind": "entity", "values": [say("anna@example.com")]}, {"kind": "country", "values": [say("Germany")]}],
        reason=say("The scanner of our own team")[:300], owner=root, author=root, expires_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    make_alert(status="closed", suppressed_by=row, sentence=say("Hidden"))
    yield At("alerts:cases")
    yield At("alerts:cases", query="?tab=all&entity=nobody")
    yield At("alerts:case", (alert.case.pk,))
    yield At("alerts:suppressions")
    yield At("alerts:suppression", (row.pk,))
    yield At("alerts:change-suppression", (row.pk,))
    yield At("alerts:new-suppression", query=f"?alert={alert.pk}")


def pipeline(say: Say) -> Iterator[At]:
    """What could not be read, what Jira is owed, and how Jira is set up."""
    bad = make_delivery(
        say("no JSON at all").encode(), status=DeliveryStatus.QUARANTINED, reason=say("It is no valid JSON."),
        rejected=[say("Finding 2 names no entity.")],
    )  # fmt: skip
    failed = make_operation(make_alert(), state=OperationState.FAILED, last_error=say("Jira knows no priority P0."))
    lost = make_operation(
        make_alert(), state=OperationState.UNKNOWN, sent_at=ago(minutes=9), last_error=say("No answer within 10 s.")
    )
    state = JiraState.load()
    state.checked = [
        {
            "name": say("Project"),
            "state": "wrong",
            "words": say("There is no project SEC."),
            "fix": say("Give its key."),
        }
    ]
    state.checked_at = clock.now()
    state.save()
    yield At("alerts:pipeline")
    yield At("alerts:pipeline", query="?status=quarantined")
    yield At("alerts:delivery", (bad.pk,))
    yield At("alerts:dismiss-delivery", (bad.pk,))
    yield At("alerts:dismiss-operation", (failed.pk,))
    yield At("alerts:settle-operation", (lost.pk,))
    yield At("alerts:jira")


def monitors(root: Person, say: Say) -> Iterator[At]:
    """A monitor with a past, what it leaves out, and each of its pages."""
    monitor = make_monitor(
        "push-fatigue-success", name=say("Push fatigue that worked, on phones")[:120], deployed=False
    )
    revisions.save(monitor, by=root)
    monitor.params = {"refusals": 12}
    revisions.save(monitor, by=root, reason=say("Service desk phones refuse by habit")[:300])
    body = push.body_of(monitor, monitor.revisions.first())
    Deployment.objects.filter(monitor=monitor).update(
        opensearch_id="os-drifted", state=Deployment.State.DRIFTED, fault=say("The search failed."), heard_at=ago(minutes=4),
        read_body=body, pushed_body=body,
    )  # fmt: skip
    named = NamedList.objects.create(
        name="vips", kind="user", values=[say("ceo@example.com")], description=say("Board")
    )
    conditions = [{"kind": "user", "list": "vips"}, {"kind": "zone", "values": [say("Berlin office")]}]
    row = Exclusion(
        monitor=monitor, conditions=conditions, reason=say("Phones of the board")[:300], owner=root,
        expires_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    exclusions.save(row, by=root)
    rehearsal = Rehearsal.objects.create(
        monitor=monitor, case_name="refused, then accepted", index_pattern="okta-*", state=jobs.State.FAILED, indexed_at=ago(minutes=4),
        searchable_at=ago(minutes=4), error=say("The monitor did not fire within 5 min."), wants_ticket=True,
    )  # fmt: skip
    many = BulkPush.objects.create(
        monitors=[str(monitor.pk)] * 2, total=2, done=2, state=jobs.State.DONE,
        results=[{"monitor": str(monitor.pk), "name": monitor.name, "error": ""},
                 {"monitor": str(monitor.pk), "name": monitor.name, "error": say("It was changed in OpenSearch.")}],
    )  # fmt: skip
    yield At("monitors:monitors")
    yield At("monitors:coverage")
    yield At("alerts:ticket-policy", (monitor.pk,))
    yield At("alerts:rehearse", (monitor.pk,))
    yield At("alerts:rehearsal", (rehearsal.pk,))
    admin = "admin:monitors_monitor_"
    for name in ("change", "push", "dry_run", "json", "drift", "tune", "history", "delete"):
        yield At(admin + name, (monitor.pk,))
    yield At(f"{admin}roll_back", (monitor.pk, 1))
    for name in ("changelist", "add", "explain", "in_opensearch"):
        yield At(admin + name)
    yield At(f"{admin}add", query="?detection=impossible-travel")
    yield At(f"{admin}explain", post={"text": '{"name": "x", "inputs": []}'})
    yield At(f"{admin}foreign", ("os-theirs",))
    yield At(f"{admin}bulk", (many.pk,))
    for name, pk in (("exclusion", row.pk), ("namedlist", named.pk)):
        for page in ("change", "history", "delete"):
            yield At(f"admin:monitors_{name}_{page}", (pk,))
        yield At(f"admin:monitors_{name}_changelist")
        yield At(f"admin:monitors_{name}_add")
    yield At("admin:monitors_exclusion_add", post={"reason": ""})


def played(root: Person, say: Say) -> Iterator[At]:
    """What a play of the past and a survey found."""
    monitor = make_monitor("brute-force-user", params={"failures": 10})
    days = [f"2026-11-{day:02}" for day in range(17, 24)]
    names = [say(f"{name}@example.com") for name in ("anna", "bert", "carl")]
    findings: list[dict[str, Any]] = [
        {"name": name, "sentence": say(f"22 failed sign-ins of {name} in 11 min"), "severity": 3, "count": 22,
         "first": "2026-11-21T09:00:00+00:00", "last": "2026-11-21T09:11:00+00:00"}
        for name in names
    ]  # fmt: skip
    found = {
        "occurrences": 3, "entities": 3, "a_day": [0, 1, 0, 0, 2, 0, 0], "findings": findings,
        "often": [{"name": name, "id": name, "type": "user", "n": 1} for name in names],
    }  # fmt: skip
    line = {
        "parameter": "failures", "label": "Failed sign-ins", "unit": "", "floor": 2, "highest": 1000, "now": 10, "was": 12,
        "days": {"1": {"12": 1, "4": 9}, "4": {"25": 1, "14": 1, "6": 3}}, "top": [[names[0], 1, 12]], "below": 0,
        "judged": {"A-1": 12, "A-2": 25},
    }  # fmt: skip
    fates = [
        {"key": "A-1", "verdict": "false_positive", "value": 12, "kept": True, "kept_before": True},
        {"key": "A-2", "verdict": "true_positive", "value": 25, "kept": True, "kept_before": True},
    ]
    done = Backtest.objects.create(
        monitor=monitor, inputs={"params": {"failures": 10}}, line="failures", begins_at=ago(days=7), ends_at=clock.now(),
        state=jobs.State.DONE, asked_by=root,
        result={"days": days, "now": found, "before": None, "line": line, "fates": fates, "cut": "",
                "cost": {"searches": 4, "took_ms": 120, "events": 9_000}, "check": {"moments": 3, "wrong": []}},
    )  # fmt: skip
    running = Backtest.objects.create(
        monitor=monitor, inputs={"params": {"failures": 10}}, begins_at=ago(days=7), ends_at=clock.now(), state=jobs.State.RUNNING,
        done=3, total=7, alive_at=clock.now(), asked_by=root,
    )  # fmt: skip
    survey = Survey.objects.create(
        index_pattern="okta-*", begins_at=ago(days=7), ends_at=clock.now(), state=jobs.State.DONE, asked_by=root
    )
    SurveyRow.objects.create(
        survey=survey, detection="brute-force-user",
        result={"alerts": 3, "a_week": 3.0, "occurrences": 3, "newest": findings[0]["sentence"], "cut": "",
                "limit": {"label": "Failed sign-ins", "publisher": 10, "one_a_week": 25},
                "quiet": [{"name": names[0], "findings": 2, "of": 3}]},
    )  # fmt: skip
    SurveyRow.objects.create(survey=survey, detection="impossible-travel", lacks=["client.geographicalContext"])
    SurveyRow.objects.create(survey=survey, detection="password-spray-source", error=say("Shards failed."))
    SurveyFinding.objects.create(
        survey=survey, detection="brute-force-user", entity_type="user", entity_id=names[1], entity_name=names[1], severity=2,
        sentence=findings[1]["sentence"], first_at=ago(days=2), last_at=ago(days=2), count=22,
    )  # fmt: skip
    yield At("admin:monitors_monitor_tuned", (monitor.pk, done.pk))
    yield At("admin:monitors_monitor_tuned", (monitor.pk, running.pk))
    yield At("admin:monitors_monitor_tune", (monitor.pk,), post={"param_failures": "0", "days": "7", "play": "yes"})
    yield At("alerts:surveys")
    yield At("alerts:survey", (survey.pk,))


def admin_tables(say: Say) -> Iterator[At]:
    """The admin's pages of our other tables."""
    (imported,) = importing.import_sigma(RULE, by="test")
    profile = IndexProfile.objects.create(
        pattern="okta-system-log-*", learnt=template_profile("okta-system-log-*").to_json(), learnt_at=clock.now()
    )
    template = TicketTemplate.objects.create(introduction=say("See the runbook."), labels="okta")
    source = make_delivery().source
    person = Person.objects.create(name=say("Somebody who left"))
    rows: dict[str, Any] = {
        "monitors_importeddetection": imported.row.pk, "monitors_indexprofile": profile.pk, "alerts_tickettemplate": template.pk,
        "alerts_source": source.pk, "core_person": person.pk, "core_activity": Activity.objects.latest("pk").pk,
    }  # fmt: skip
    for table, pk in rows.items():
        yield At(f"admin:{table}_changelist")
        yield At(f"admin:{table}_history", (pk,))
        yield At(f"admin:{table}_change", (pk,))
        if f"admin:{table}_add" not in NO_PAGE:
            yield At(f"admin:{table}_add")
        if f"admin:{table}_delete" not in NO_PAGE:
            yield At(f"admin:{table}_delete", (pk,))
    yield At(
        "admin:alerts_tickettemplate_preview",
        query=f"?template={template.pk}",
        post={"summary": "Alert: {detection}", "custom_fields": "{}"},
    )
    yield At("admin:auth_user_changelist")
    yield At("admin:auth_user_add")
    yield At("admin:index")
    for app in ("monitors", "alerts", "core"):
        yield At("admin:app_list", (app,))


def accounts() -> Iterator[At]:
    """What went wrong, one's account, and what is seen once one has signed out: in this order."""
    for name, status in (("bad-request", 400), ("forbidden", 403), ("not-found", 404), ("broken", 500)):
        yield At(f"errors:{name}", status=status)
    yield At("admin:password_change")
    yield At("alerts:tokens")
    yield At("api-docs")
    yield At("logout", post={"now": "yes"})
    yield At("login", post={"username": "mira", "password": "wrong"})
    yield At("admin:login")
