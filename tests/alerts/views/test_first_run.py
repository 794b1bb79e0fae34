"""The first run: every step by itself, said in words, and ticked once it is so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from alerts.choices import DeliveryStatus
from alerts.models import Alert, Delivery, JiraState, Rehearsal
from alerts.services import first_run, ingest
from alerts.services.first_run import STEPS
from alerts.services.standing import State, Told
from core import clock
from core.roles import DETECTION_ENGINEERS
from monitors import opensearch
from monitors.errors import NotFound, OpenSearchAway, OpenSearchError, OpenSearchRefused
from monitors.models import Deployment
from monitors.services import push
from tests.factories import ago, make_alert, make_delivery, make_monitor, make_user

pytestmark = pytest.mark.django_db

AWAY = OpenSearchAway("OpenSearch did not answer within 5 s.")
SCRIPT = "<script>alert(1)</script>"


def answering(*answers: Any) -> Callable[..., Any]:
    """Return an OpenSearch that gives these answers, one after the other, the last for ever; errors are raised."""
    left = list(answers)

    def call(*_: Any, **__: Any) -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """An OpenSearch that is set and never answers, unless a test says what it answers."""
    settings.OPENSEARCH_URL, settings.JIRA_URL = "https://search.example.com", ""
    monkeypatch.setattr(opensearch, "call", answering(AWAY))


def told(key: str) -> Told:
    return first_run.told(STEPS[key])


def engineer() -> Client:
    client = Client()
    client.force_login(make_user(role=DETECTION_ENGINEERS))
    return client


def fragment(client: Client, key: str, seen: str = "") -> Any:
    return client.get(f"/first-run/{key}/?seen={seen}", headers={"HX-Request": "true"})


def part(page: str, key: str) -> str:
    return page.split(f'<li id="{key}"')[1].split("\n</li>")[0]


def test_a_portal_on_its_first_day_says_what_comes_next_at_every_step(client: Client) -> None:
    page = client.get("/first-run/").content.decode()
    for key in STEPS:
        assert f'<li id="{key}"' in page
    assert "Waiting" in part(page, "webhook")
    assert "manage.py monitors add" in part(page, "monitors")
    assert "Nobody judged an alert yet" in part(page, "verdict")


def test_the_page_itself_asks_opensearch_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("OpenSearch was asked")

    monkeypatch.setattr(opensearch, "call", never)
    page = client.get("/first-run/").content.decode()
    assert 'hx-trigger="load"' in part(page, "opensearch")


def test_without_scripts_a_step_is_looked_at_on_the_whole_page(client: Client) -> None:
    page = client.get("/first-run/opensearch/").content.decode()
    assert "OpenSearch did not answer within 5 s." in part(page, "opensearch")
    assert 'hx-trigger="load"' in part(page, "channel")


@pytest.mark.parametrize("key", ["opensearch", "index", "channel"])
@pytest.mark.parametrize(
    "error", [AWAY, OpenSearchRefused("OpenSearch answered 403: no", status=403), OpenSearchError("odd")]
)
def test_what_does_not_answer_fails_in_its_own_step_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch, key: str, error: Exception
) -> None:
    monkeypatch.setattr(opensearch, "call", answering(error))
    answer = fragment(client, key)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert ("✕" in text, "Failed" in text, str(error) in text, "<b>Next:</b>" in text) == (True, True, True, True)
    assert "<html" not in text


def test_a_step_that_stands_as_was_seen_sends_nothing(client: Client) -> None:
    first = fragment(client, "webhook").content.decode()
    seen = first.split("?seen=")[1].split('"')[0]
    assert fragment(client, "webhook", seen).status_code == 204
    make_delivery()
    assert fragment(client, "webhook", seen).status_code == 200


def test_a_step_that_is_done_asks_no_more(client: Client) -> None:
    make_delivery()
    text = fragment(client, "webhook").content.decode()
    assert "Done" in text
    assert "hx-trigger" not in text


def test_an_opensearch_without_alerting_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = OpenSearchError(
        "OpenSearch answered 400: no handler found for uri [/_plugins/_alerting] and method [POST]", status=400
    )
    monkeypatch.setattr(opensearch, "call", answering({"version": {"number": "3.4.0"}}, lacks))
    assert told("opensearch").words == "OpenSearch 3.4.0 answers, without its Alerting plugin."


def test_no_opensearch_at_all_is_waited_for(settings: Settings) -> None:
    settings.OPENSEARCH_URL = ""
    assert (told("opensearch").state, "OPENSEARCH_URL" in told("opensearch").fix) == (State.WAITING, True)


def test_an_index_that_is_not_there_is_waited_for_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opensearch, "call", answering({"fields": {}}))
    found = told("index")
    assert (found.state, "manage.py okta template" in found.command) == (State.WAITING, True)


def channel(url: str = "") -> dict[str, Any]:
    headers = {"Authorization": "Bearer x"}
    return {"is_enabled": True, "webhook": {"url": url or push.webhook_url(), "header_params": headers}}


def test_a_channel_is_made_posts_here_and_lets_in_or_it_is_said_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        State.WAITING: answering(NotFound("none")),
        State.FAILED: answering({"config_list": [{"config": channel()}]}),  # a token that nobody minted
    }
    for state, call in answers.items():
        monkeypatch.setattr(opensearch, "call", call)
        assert told("channel").state == state
    monkeypatch.setattr(push, "token_is_live", lambda _: True)
    done = told("channel")
    assert done.state == State.DONE
    assert done.notes == (
        "That address means OpenSearch's own machine. Give one that it reaches in OKTADETECT_WEBHOOK_URL.",
    )
    monkeypatch.setattr(
        opensearch, "call", answering({"config_list": [{"config": channel("https://elsewhere.example")}]})
    )
    assert "posts to https://elsewhere.example, not here" in told("channel").words


def test_jira_is_as_its_last_check_said(settings: Settings, client: Client) -> None:
    settings.JIRA_URL = "https://jira.example.com"
    assert "was not checked yet" in told("jira").words
    client.post("/first-run/jira/check/")
    assert "A worker checks it now" in told("jira").words
    wrong = {
        "name": "Project",
        "state": "wrong",
        "words": f"SEC is no project. {SCRIPT}",
        "fix": "Correct JIRA_PROJECT.",
    }
    JiraState.objects.update(check_asked_at=None, checked_at=clock.now(), checked=[wrong])
    assert (told("jira").state, told("jira").fix) == (State.FAILED, "Correct JIRA_PROJECT.")
    assert SCRIPT not in fragment(client, "jira").content.decode()
    JiraState.objects.update(checked=[{**wrong, "state": "ok"}])
    assert told("jira").state == State.DONE


def test_monitors_are_pushed_in_sync_or_at_fault() -> None:
    make_monitor(deployed=False)
    assert told("monitors").words == "1 monitor saved, none pushed."
    make_monitor()
    make_monitor()
    assert (told("monitors").state, told("monitors").words) == (State.DONE, "2 monitors pushed, 2 in sync.")
    Deployment.objects.update(state=Deployment.State.CHANGED)
    assert told("monitors").notes == ("2 monitors differ from what is saved here.",)
    Deployment.objects.update(fault="It is silent.")
    assert told("monitors").state == State.FAILED


def test_heartbeat_alert_and_verdict_tick_by_what_is_real() -> None:
    Deployment.objects.update(heard_at=None)
    played = Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x")
    Deployment.objects.update(heard_at=None)
    make_alert(rehearsal=played, verdict="")
    assert [told(key).state for key in ("heartbeat", "alert", "verdict")] == [State.WAITING] * 3
    Deployment.objects.update(heard_at=clock.now())
    alert = make_alert()
    assert [told(key).state for key in ("heartbeat", "alert", "verdict")] == [State.DONE, State.DONE, State.WAITING]
    Alert.objects.filter(pk=alert.pk).update(verdict="benign")
    assert told("verdict").state == State.DONE


def test_a_test_alert_is_shown_arriving_stage_by_stage(client: Client) -> None:
    row = Rehearsal.objects.create(
        monitor=make_monitor(),
        index_pattern="x",
        state="running",
        indexed_at=ago(seconds=9),
        searchable_at=ago(seconds=8),
    )
    text = fragment(client, "test").content.decode()
    assert text.count("✓") == 2
    assert "is waited for" in text
    assert 'hx-trigger="every 5s"' in text
    Rehearsal.objects.filter(pk=row.pk).update(state="failed", error=f"Nothing was heard. {SCRIPT}")
    failed = fragment(client, "test").content.decode()
    assert "Nothing was heard." in failed
    assert "did not come" in failed
    assert SCRIPT not in failed


def test_without_a_monitor_to_rehearse_none_is_sent_and_it_is_said_why() -> None:
    page = engineer().post("/first-run/test/send/", follow=True).content.decode()
    assert "No running monitor can be rehearsed." in page
    assert not Rehearsal.objects.exists()


def test_what_opensearch_says_when_it_cannot_post_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    status = r'{"event_status_list": [{"config_id":"oktadetect","delivery_status":{"status_code":"401","status_text":"Failed: no token"}}]}'
    monkeypatch.setattr(
        opensearch, "call", answering(OpenSearchError(f"OpenSearch answered 500: {status}", status=500))
    )
    page = engineer().post("/first-run/webhook/try/", follow=True).content.decode()
    assert "OpenSearch could not post its test message there: Failed: no token." in page
    monkeypatch.setattr(opensearch, "call", answering({}))
    assert "the webhook took it" in engineer().post("/first-run/webhook/try/", follow=True).content.decode()


def test_the_test_message_of_a_channel_is_seen_and_is_no_alert() -> None:
    delivery = make_delivery(
        b"Test message content body for config id oktadetect",
        status=DeliveryStatus.RECEIVED, next_attempt_at=clock.now() - timedelta(seconds=1),
    )  # fmt: skip
    assert ingest.process(str(delivery.pk)) == []
    assert Delivery.objects.get(pk=delivery.pk).status == DeliveryStatus.PROCESSED
    assert not Alert.objects.exists()
    assert told("webhook").state == State.DONE


@pytest.mark.parametrize("path", ["channel/write", "webhook/try", "test/send"])
def test_an_analyst_sees_everything_and_may_only_check_jira(client: Client, path: str) -> None:
    page = client.get("/first-run/").content.decode().split("<main")[1].split("</main>")[0]
    assert 'action="/first-run/jira/check/"' in page
    assert f'action="/first-run/{path}/"' not in page
    assert client.post(f"/first-run/{path}/").status_code == 403
    assert client.post("/first-run/jira/check/").status_code == 302


def test_whoever_may_only_look_is_offered_nothing() -> None:
    reader = make_user(role="")
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(reader)
    assert "<form" not in client.get("/first-run/").content.decode().split("<main")[1].split("</main>")[0]
    assert client.post("/first-run/jira/check/").status_code == 403


def test_a_step_that_there_is_not_is_not_found(client: Client) -> None:
    assert client.get("/first-run/planet/").status_code == 404


def test_the_page_costs_the_same_however_much_there_is(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 20):
        for _ in range(count):
            make_alert(monitor=make_monitor())
            make_delivery()
        Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x", state="done")
        with django_assert_max_num_queries(22):
            client.get("/first-run/")
        with django_assert_max_num_queries(12):
            fragment(client, "webhook")
