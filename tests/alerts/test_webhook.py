"""The webhook keeps before it answers, and answers 202, 401, 413 or 503: never 500."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.test import Client, override_settings

from alerts import webhook
from alerts.models import Delivery, Source, SourceToken
from alerts.services import intake, sources
from core.models import Activity

pytestmark = pytest.mark.django_db

URL = "/okta-detections"


@pytest.fixture
def token() -> str:
    return sources.mint("test", by="test")


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Which wake-ups were sent; none leaves the process."""
    sent: list[Any] = []

    def wake(task: Any, *args: str) -> bool:
        sent.append((task.name, *args))
        return True

    monkeypatch.setattr(webhook, "wake", wake)
    return sent


def post(
    client: Client, token: str | None, body: bytes = b"{}", content_type: str = "application/json", **headers: str
) -> Any:
    given = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return client.generic("POST", URL, body, content_type, headers={**given, **headers})


def test_a_body_is_kept_as_it_came_and_a_worker_is_woken(client: Client, token: str, woken: list[Any]) -> None:
    body = b'\x00\xff not json at all {"'
    answer = post(client, token, body, "text/plain; charset=UTF-8")
    assert answer.status_code == 202
    delivery = Delivery.objects.get(pk=answer.json()["delivery"])
    assert bytes(delivery.body or b"") == body
    assert (delivery.size, delivery.status, delivery.source.name) == (len(body), "received", "test")
    assert woken == [("alerts.process_delivery", str(delivery.pk))]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "odd",
    ],
)
def test_any_content_type_is_taken_byte_for_byte(client: Client, token: str, content_type: str) -> None:
    body = b"a=1&b=%20{}--x"
    answer = post(client, token, body, content_type)
    assert answer.status_code == 202
    assert bytes(Delivery.objects.get().body or b"") == body


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dGVzdA==", "bearer\xe9"])
def test_without_a_live_token_nothing_is_stored(
    client: Client, token: str, header: str | None, woken: list[Any]
) -> None:
    answer = client.post(
        URL,
        data=b"{}",
        content_type="application/json",
        headers={"Authorization": header} if header is not None else {},
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not Delivery.objects.exists()
    assert woken == []


def test_a_withdrawn_token_and_a_disabled_source_are_refused(client: Client, token: str) -> None:
    Source.objects.update(enabled=False)
    assert post(client, token).status_code == 401
    Source.objects.update(enabled=True)
    SourceToken.objects.update(withdrawn_at="2026-01-01T00:00:00Z")
    assert post(client, token).status_code == 401


def test_only_listed_networks_may_post(client: Client, token: str) -> None:
    Source.objects.update(addresses=["10.0.0.0/8"])
    assert post(client, token).status_code == 401
    Source.objects.update(addresses=["10.0.0.0/8", "127.0.0.1/32"])
    assert post(client, token).status_code == 202


def test_the_old_token_lives_until_the_new_one_is_seen(client: Client, token: str) -> None:
    newer = sources.mint("test", by="test")
    assert post(client, token).status_code == 202
    assert post(client, newer).status_code == 202
    assert post(client, token).status_code == 401
    assert Activity.objects.filter(action="source.token_replaced").count() == 1


def test_a_token_that_was_minted_and_never_used_does_not_pile_up(client: Client, token: str) -> None:
    assert post(client, token).status_code == 202
    unused = sources.mint("test", by="test")
    sources.mint("test", by="test")
    assert SourceToken.objects.filter(withdrawn_at=None).count() == 2
    assert post(client, token).status_code == 401 or post(client, unused).status_code == 401


def test_only_the_hash_of_a_token_is_kept(token: str) -> None:
    row = SourceToken.objects.get()
    assert token.encode() not in bytes(row.digest)
    assert row.hint == token[-4:]


@override_settings(OKTADETECT_WEBHOOK_MAX_BYTES=1000)
def test_a_body_over_the_limit_is_refused_unread_and_shown_in_quarantine(
    client: Client, token: str, woken: list[Any]
) -> None:
    assert post(client, token, b"x" * 1000).status_code == 202
    answer = post(client, token, b"x" * 1001)
    assert answer.status_code == 413
    delivery = Delivery.objects.get(pk=answer.json()["delivery"])
    assert (delivery.status, delivery.body, delivery.size) == ("quarantined", None, 1001)
    assert "over the limit of 1,000" in delivery.reason
    assert len(woken) == 1


def test_the_database_being_away_is_503_with_retry_after(
    client: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(intake, "keep", away)
    answer = post(client, token)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) <= 4


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_405(client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


def test_an_empty_body_is_kept_too(client: Client, token: str) -> None:
    assert post(client, token, b"").status_code == 202


def test_credentials_are_not_among_the_kept_headers(client: Client, token: str) -> None:
    post(
        client,
        token,
        b"{}",
        "application/json",
        **{"User-Agent": "Apache-HttpClient/5.4.4", "Cookie": "session=1", "X-Secret": "1"},
    )
    assert Delivery.objects.get().headers == {"User-Agent": "Apache-HttpClient/5.4.4"}
    assert token not in json.dumps(Delivery.objects.get().headers)


def test_keeping_a_body_costs_few_queries(client: Client, token: str, django_assert_max_num_queries: Any) -> None:
    post(client, token)
    with django_assert_max_num_queries(4):
        post(client, token)


@pytest.mark.parametrize("accept", ["text/plain", "text/html", "application/xml;q=0.9", "odd"])
def test_whatever_answer_the_sender_would_like_its_body_is_kept(client: Client, token: str, accept: str) -> None:
    assert post(client, token, Accept=accept).status_code == 202
    answer = client.post(f"{URL}?format=xml", b"{}", "application/json", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 202
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("addresses", [["10.0.0.0/33"], ["office"], [7], "10.0.0.0/8", {"a": 1}])
def test_a_network_that_makes_no_sense_lets_nobody_in_and_is_refused_when_it_is_saved(
    client: Client, token: str, addresses: Any
) -> None:
    Source.objects.update(addresses=addresses)
    assert post(client, token).status_code == 401
    with pytest.raises(ValidationError, match="network"):
        Source.objects.get().full_clean()


def test_an_address_that_a_dual_stack_socket_shows_is_the_same_address(client: Client, token: str) -> None:
    Source.objects.update(addresses=["10.0.0.0/8"])
    assert post(client, token, REMOTE_ADDR="::ffff:10.1.2.3").status_code == 401  # a header of that name says nothing
    assert sources.let_in(token, "::ffff:10.1.2.3") is not None


def test_tokens_that_never_reached_the_sender_do_not_end_the_one_that_it_uses(client: Client, token: str) -> None:
    assert post(client, token).status_code == 202
    for _ in range(3):
        sources.mint("test", by="test")
    assert post(client, token).status_code == 202
