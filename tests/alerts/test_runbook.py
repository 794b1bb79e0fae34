"""The runbook is a checklist: people tick it, and Okta's own word ticks what was done to the user by somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from alerts.models import Alert
from alerts.services import runbook, triage
from alerts.services.runbook import Step
from alerts.views.runbook import context
from core import activity, clock
from core.models import Activity
from monitors import opensearch
from monitors.errors import OpenSearchAway
from monitors.models import find_detection
from tests.factories import ago, make_alert, make_monitor, make_person, make_user

pytestmark = pytest.mark.django_db

USER = "00uanna"


@pytest.fixture
def alert() -> Alert:
    """Push fatigue that worked: end the sessions, suspend, ask, reset the password and re-enrol, look."""
    return make_alert(
        monitor=make_monitor("push-fatigue-success"), detection_id="push-fatigue-success", entity_id=USER,
        entity_name="anna@example.com", first_seen=ago(minutes=30),
    )  # fmt: skip


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("mira", first_name="Mira", last_name="Okafor"))
    return client


def deed(
    kind: str = "user.session.clear", *, user: str = USER, by: str = "00uadmin", minutes_ago: float = 5
) -> dict[str, Any]:
    return {
        "uuid": f"{kind}-{minutes_ago}", "eventType": kind, "published": ago(minutes=minutes_ago).isoformat(),
        "actor": {"id": by, "alternateId": f"{by}@example.com"}, "outcome": {"result": "SUCCESS"},
        "target": [{"id": user, "type": "User", "alternateId": "anna@example.com" if user == USER else "x@example.com"}],
    }  # fmt: skip


def holds(monkeypatch: pytest.MonkeyPatch, *events: dict[str, Any], **answer: Any) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def search(_pattern: str, body: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        asked.append(body)
        hits = [{"_source": event} for event in events]
        return {"_shards": {"total": 1, "failed": 0}, "timed_out": False, "hits": {"hits": hits}, **answer}

    monkeypatch.setattr(opensearch, "search", search)
    return asked


def steps_of(alert: Alert) -> list[Step]:
    return runbook.steps(find_detection(alert.detection_id), activity.history(alert))


def test_containment_comes_first_and_nothing_is_ticked_at_first(alert: Alert) -> None:
    found = steps_of(alert)
    assert found[0].contains
    assert not any(step.contains for step in found[1:])
    assert not any(step.ticked for step in found)
    assert [step.wanted for step in found] == [
        ("sessions ended",), ("user suspended",), (), ("password reset", "factors reset"), (),
    ]  # fmt: skip


def test_a_person_ticks_a_step_once_and_takes_it_back(alert: Alert) -> None:
    mira, key = make_person(), steps_of(alert)[2].key
    for done in (True, True, False):
        runbook.tick(alert.pk, key, mira, done=done)
    assert not steps_of(alert)[2].ticked
    kept = activity.history(alert).filter(action__startswith="runbook.").values_list("action", flat=True)
    assert list(kept) == ["runbook.unticked", "runbook.ticked"]


def test_a_tick_is_no_change_that_stops_anybody_from_deciding(alert: Alert) -> None:
    seen = triage.newest_change(alert)
    runbook.tick(alert.pk, steps_of(alert)[0].key, make_person(), done=True)
    assert triage.newest_change(alert) == seen


def test_what_okta_reports_ticks_its_step_with_time_and_actor(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = holds(monkeypatch, deed())
    runbook.hear(alert)
    step = steps_of(alert)[0]
    assert step.ticked
    assert (step.person, step.reports[0].actor) == ("", "00uadmin")
    assert {"terms": {"target.id": [USER]}} in asked[0]["query"]["bool"]["should"]
    assert not any(other.ticked for other in steps_of(alert)[1:])


def test_a_step_that_asks_for_two_things_is_done_when_both_are(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    holds(monkeypatch, deed("user.account.reset_password"))
    runbook.hear(alert)
    assert not steps_of(alert)[3].ticked
    assert [report.done for report in steps_of(alert)[3].reports] == ["password reset"]
    holds(monkeypatch, deed("user.account.reset_password"), deed("user.mfa.factor.reset_all", minutes_ago=2))
    runbook.hear(alert)
    assert steps_of(alert)[3].ticked


@pytest.mark.parametrize(
    "event",
    [
        deed(minutes_ago=45),
        deed(user="00ubert"),
        deed(by=USER),
        {**deed(), "actor": {"alternateId": "Anna@Example.com"}},
    ],
    ids=["before the first event", "another user", "the user themself", "the user themself, by login"],
)
def test_what_contains_nothing_ticks_nothing(
    alert: Alert, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    holds(monkeypatch, event)
    runbook.hear(alert)
    assert not any(step.reports for step in steps_of(alert))


def test_the_same_report_is_kept_once_and_a_person_has_the_last_word(
    alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, deed())
    runbook.hear(alert)
    runbook.tick(alert.pk, steps_of(alert)[0].key, make_person(), done=False)
    runbook.hear(alert)
    runbook.hear_open()
    assert not steps_of(alert)[0].ticked
    assert Activity.objects.filter(action="runbook.reported").count() == 1


def test_open_alerts_are_heard_with_one_search_an_index(alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_alert(monitor=alert.monitor, detection_id=alert.detection_id, entity_id="00ubert",
                       entity_name="bert@example.com", first_seen=ago(minutes=30))  # fmt: skip
    make_alert(monitor=alert.monitor, detection_id=alert.detection_id, entity_id="00uold",
               last_seen=clock.now() - timedelta(days=9))  # fmt: skip
    asked = holds(monkeypatch, deed(), deed("user.lifecycle.suspend", user="00ubert"))
    runbook.hear_open()
    assert len(asked) == 1
    assert asked[0]["query"]["bool"]["should"][0] == {"terms": {"target.id": [USER, "00ubert"]}}
    assert steps_of(alert)[0].ticked
    assert steps_of(other)[1].ticked
    assert not steps_of(other)[0].ticked


def test_an_index_that_fails_is_said_on_the_page_and_holds_up_no_beat(
    alert: Alert, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OpenSearchAway("OpenSearch did not answer within 2 s.")

    monkeypatch.setattr(opensearch, "search", away)
    runbook.hear_open()
    part = client.get(f"/alerts/{alert.pk}/runbook/", headers={"HX-Request": "true"}).content.decode()
    assert "OpenSearch did not answer within 2 s. What Okta reported since may be missing." in part
    assert "End" not in part.split("<ol")[0]
    page = client.get(f"/alerts/{alert.pk}/runbook/", follow=True).content.decode()
    assert "What Okta reported since may be missing." in page


def test_an_answer_that_is_not_whole_is_a_fault(alert: Alert, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    holds(monkeypatch, deed(), timed_out=True)
    part = client.get(f"/alerts/{alert.pk}/runbook/", headers={"HX-Request": "true"}).content.decode()
    assert "gave only a part" in part


def test_the_page_asks_by_itself_and_tells_where_from(
    alert: Alert, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = holds(monkeypatch, deed())
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert f'hx-get="/alerts/{alert.pk}/runbook/"' in page
    assert asked == []
    part = client.get(f"/alerts/{alert.pk}/runbook/", headers={"HX-Request": "true"}).content.decode()
    assert "Okta reported it" in part
    assert "once okta-system-log-* holds its event" in part
    assert 'href="/entities/user/00uadmin/"' in part
    assert "hx-get" not in part


def test_a_person_ticks_on_the_page_and_history_names_them(alert: Alert, client: Client) -> None:
    step = steps_of(alert)[1]
    answer = client.post(f"/alerts/{alert.pk}/runbook/tick/", {"step": step.key, "done": "1"})
    assert answer["Location"] == f"/alerts/{alert.pk}/#runbook"
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Mira Okafor</b> did a step of the runbook" in page
    assert 'class="ticked"' in page


@pytest.mark.parametrize(("fields", "status"), [({"step": "nonsense", "done": "1"}, 404), ({"step": "x"}, 400)])
def test_a_form_that_makes_no_sense_changes_nothing(
    alert: Alert, client: Client, fields: dict[str, str], status: int
) -> None:
    assert client.post(f"/alerts/{alert.pk}/runbook/tick/", fields).status_code == status
    assert not any(step.ticked for step in steps_of(alert))


def test_steps_lead_to_the_user_in_oktas_admin_where_its_address_is_known(alert: Alert, settings: Any) -> None:
    assert {line.link for line in context(alert)["runbook"]} == {""}
    settings.OKTADETECT_OKTA_ADMIN_URL = "https://example-admin.okta.com"
    links = [line.link for line in context(alert)["runbook"]]
    assert links[0] == "https://example-admin.okta.com/admin/user/profile/view/00uanna"
    assert links[2] == ""


@pytest.mark.parametrize("fields", [{"entity_type": "ip"}, {"monitor": None}], ids=["no user", "nobody's monitor"])
def test_where_okta_can_report_nothing_the_page_does_not_listen(
    alert: Alert, client: Client, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    asked = holds(monkeypatch, deed())
    Alert.objects.filter(pk=alert.pk).update(**fields)
    assert (
        "hx-get"
        not in client.get(f"/alerts/{alert.pk}/").content.decode().split('id="runbook"')[1].split("</section>")[0]
    )
    client.get(f"/alerts/{alert.pk}/runbook/")
    assert asked == []


def test_a_runbook_that_left_the_catalogue_breaks_nothing(
    alert: Alert, client: Client, mira: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Alert.objects.filter(pk=alert.pk).update(detection_id="gone")
    holds(monkeypatch, deed())
    runbook.hear_open()
    assert client.get(f"/alerts/{alert.pk}/runbook/").status_code == 302
    with pytest.raises(runbook.NoSuchStep):
        runbook.tick(alert.pk, "x", make_person(mira), done=True)


@pytest.fixture
def mira() -> User:
    return make_user()
