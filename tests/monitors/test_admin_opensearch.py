"""The admin's pages about what OpenSearch holds: each says what it does, asks for the right permission, and works without scripts."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core import jobs
from core.roles import ANALYSTS
from monitors import opensearch
from monitors.errors import OpenSearchAway
from monitors.models import BulkPush, Deployment, Monitor
from monitors.services import drift, foreign, health, push
from tests.factories import make_monitor, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:monitors_monitor_{name}", args=args)


def away(*_: Any, **__: Any) -> Any:
    raise OpenSearchAway("OpenSearch did not answer within 10 s.")


def found(**changes: Any) -> drift.Drift:
    told: dict[str, Any] = {
        "theirs": [drift.Line("Failures", "20", "5")],
        "ours": [],
        "held": {"name": "x"},
        "seq_no": 7,
        "adopted": drift.Values("x", 3, 60, True, {}),
    }
    return drift.Drift(**{**told, **changes})


def test_the_difference_is_shown_in_words_with_the_ways_out(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "look", lambda _: found())
    shown = admin.get(page("drift", make_monitor().pk)).content.decode()
    for words in ("Failures", "20", "5", "Adopt what was changed there", "Overwrite it", 'value="7"'):
        assert words in shown


def test_what_cannot_be_adopted_is_named_and_offers_no_adopting(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [drift.Line("Condition", "a", "b", blocks=True)]
    monkeypatch.setattr(drift, "look", lambda _: found(theirs=lines, adopted=None))
    shown = admin.get(page("drift", make_monitor().pk)).content.decode()
    assert "cannot be said here: Condition" in shown
    assert "Adopt what was changed there" not in shown


@pytest.mark.parametrize("way", ["adopt", "overwrite"])
def test_a_way_out_replaces_the_state_that_was_seen(way: str, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor, seen = make_monitor(), []

    def done(monitor: Monitor, *, seen_seq_no: int, **_: Any) -> Deployment:
        seen.append(seen_seq_no)
        return Deployment.objects.get(monitor=monitor)

    monkeypatch.setattr(drift, "adopt", done)
    monkeypatch.setattr(push, "push", done)
    admin.post(page("drift", monitor.pk), {"way": way, "seen_seq_no": "7"})
    assert seen == [7]


def test_opensearch_being_away_is_a_sentence_on_every_page(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch, "call", away)
    monitor = make_monitor()
    Deployment.objects.filter(monitor=monitor).update(fault="The webhook channel is missing in OpenSearch.")
    for address in (page("drift", monitor.pk), page("in_opensearch"), page("foreign", "x")):
        assert "did not answer" in admin.get(address).content.decode()
    for address in (page("mend", monitor.pk), page("pause", monitor.pk), page("rotate")):
        assert "did not answer" in admin.post(address, follow=True).content.decode()


def test_a_fault_has_the_button_that_mends_it(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = make_monitor()
    Deployment.objects.filter(monitor=monitor).update(
        fault="OpenSearch no longer holds this monitor. Push it to mend it.", state="missing"
    )
    assert "Create it again" in admin.get(page("change", monitor.pk)).content.decode()
    monkeypatch.setattr(health, "mend", lambda *_, **__: "OpenSearch holds it as it was pushed last.")
    shown = admin.post(page("mend", monitor.pk), follow=True).content.decode()
    assert "as it was pushed last" in shown


def test_pausing_is_a_revision_and_its_push_and_resuming_undoes_it(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = make_monitor()
    pushed: list[bool] = []
    monkeypatch.setattr(push, "push", lambda monitor, **_: pushed.append(monitor.enabled))
    admin.post(page("pause", monitor.pk))
    admin.post(page("resume", monitor.pk))
    assert pushed == [False, True]
    assert list(monitor.revisions.values_list("reason", flat=True)) == ["Resumed", "Paused"]


def test_many_chosen_are_pushed_by_a_job_that_is_followed(admin: Client) -> None:
    chosen = [str(make_monitor().pk) for _ in range(2)]
    answer = admin.post(page("changelist"), {"action": "push_selected", "_selected_action": chosen})
    job = BulkPush.objects.get()
    assert sorted(job.monitors) == sorted(chosen)
    assert answer["Location"] == page("bulk", job.pk)
    assert "data-follows" in admin.get(answer["Location"]).content.decode()
    admin.post(answer["Location"])
    job.refresh_from_db()
    assert job.state == jobs.State.CANCELLED
    assert "data-follows" not in admin.get(answer["Location"]).content.decode()


def test_every_monitor_of_the_cluster_is_listed_with_whose_it_is(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = make_monitor(name="Mine")
    rows = [
        foreign.Listed("1", "Mine", "query", True, "every 1 min", "okta-*", ours, lost=False),
        foreign.Listed("2", "Gone", "query", True, "every 1 min", "okta-*", None, lost=True),
        foreign.Listed("3", "<b>Theirs</b>", "bucket", False, "cron * * * * *", "logs-*", None, lost=False),
    ]
    monkeypatch.setattr(foreign, "listed", lambda *_, **__: (rows, 250))
    shown = admin.get(page("in_opensearch")).content.decode()
    for words in ("ours, unknown here", "others", "&lt;b&gt;Theirs", "1 to 3 of 250", "Later"):
        assert words in shown


@pytest.mark.parametrize("name", ["drift", "mend", "pause", "resume", "give_back"])
def test_who_may_not_change_monitors_changes_none(name: str, client: Client) -> None:
    monitor = make_monitor()
    client.force_login(make_user(role=ANALYSTS, is_staff=True))
    assert client.post(page(name, monitor.pk)).status_code == 403


def test_who_may_not_change_monitors_neither_imports_nor_rotates(client: Client) -> None:
    client.force_login(make_user(role=ANALYSTS, is_staff=True))
    assert client.post(page("rotate")).status_code == 403
    assert client.post(page("foreign", "x")).status_code == 403
