"""API tokens: what they are made of, whom they let in, and what history says of them."""

import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from alerts.choices import Scope
from alerts.models import ApiToken
from alerts.services import api_tokens, triage
from alerts.views import history
from core import activity, clock
from core.models import Activity, Person
from core.roles import DETECTION_ENGINEERS
from tests.factories import make_alert, make_person, make_user

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def made(owner: Person | None = None, *scopes: Scope) -> tuple[ApiToken, str]:
    return api_tokens.make(owner or make_person(), name="SOAR", scopes=scopes or [Scope.ALERTS_READ], lifetime=MONTH)


def test_a_token_lets_in_as_its_owner_and_is_kept_only_as_a_hash() -> None:
    owner = make_person()
    token, text = made(owner)
    assert re.fullmatch(r"odt_[A-Za-z0-9_-]{43}", text)
    found = api_tokens.let_in(text)
    assert found is not None
    assert found.owner == owner
    assert text.encode() not in bytes(token.digest)
    assert ApiToken.objects.values().get()["hint"] == text[-4:]


@pytest.mark.parametrize("text", ["", "odt_", "odt_" + "a" * 43, "\x00", "\ud800", "x" * 100_000])
def test_anything_else_lets_nobody_in(text: str) -> None:
    made()
    assert api_tokens.let_in(text) is None


def test_a_token_is_dead_when_withdrawn_expired_or_its_owner_is_switched_off_or_gone() -> None:
    owner = make_person()
    assert owner.user is not None
    token, text = made(owner)
    with time_machine.travel(clock.now() + MONTH + timedelta(seconds=1)):
        assert api_tokens.let_in(text) is None
    User.objects.filter(pk=owner.user.pk).update(is_active=False)
    assert api_tokens.let_in(text) is None
    User.objects.filter(pk=owner.user.pk).update(is_active=True)
    assert api_tokens.let_in(text) is not None
    api_tokens.withdraw(token.pk, owner)
    assert api_tokens.let_in(text) is None
    _, another = made(owner)
    owner.user.delete()
    assert api_tokens.let_in(another) is None


def test_nobody_withdraws_the_token_of_somebody_else() -> None:
    token, text = made()
    with pytest.raises(ApiToken.DoesNotExist):
        api_tokens.withdraw(token.pk, make_person())
    assert api_tokens.let_in(text) is not None


def test_nobody_gives_a_token_more_than_they_may_themselves() -> None:
    guest = make_person(make_user(role=""))
    with pytest.raises(api_tokens.NotMade, match="no more than your own account"):
        made(guest)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("name", "scopes", "lifetime"),
    [
        ("  ", [Scope.ALERTS_READ], MONTH),
        ("x" * 61, [Scope.ALERTS_READ], MONTH),
        ("SOAR", [], MONTH),
        ("SOAR", [Scope.ALERTS_READ], timedelta(days=366)),
        ("SOAR", [Scope.ALERTS_READ], timedelta()),
    ],
)
def test_a_token_has_a_name_a_purpose_and_an_end(name: str, scopes: list[Scope], lifetime: timedelta) -> None:
    with pytest.raises(api_tokens.NotMade):
        api_tokens.make(make_person(), name=name, scopes=scopes, lifetime=lifetime)


def test_somebody_has_so_many_tokens_and_no_more_until_one_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 2)
    owner = make_person()
    first, _ = made(owner)
    made(owner)
    with pytest.raises(api_tokens.NotMade, match="Withdraw one"):
        made(owner)
    api_tokens.withdraw(first.pk, owner)
    made(owner)


def test_its_last_use_is_noted_once_a_minute() -> None:
    token, text = made()
    with time_machine.travel(clock.now(), tick=False) as time:
        api_tokens.let_in(text)
        token.refresh_from_db()
        first = token.last_used_at
        assert first == clock.now()
        time.shift(30)
        api_tokens.let_in(text)
        token.refresh_from_db()
        assert token.last_used_at == first
        time.shift(31)
        api_tokens.let_in(text)
        token.refresh_from_db()
        assert token.last_used_at == clock.now()


def test_history_tells_of_its_making_and_its_end_and_never_its_text() -> None:
    owner = make_person()
    token, text = made(owner)
    api_tokens.withdraw(token.pk, owner)
    told = list(Activity.objects.filter(subject_kind="apitoken", subject_id=str(token.pk)).order_by("id"))
    assert [(row.action, row.person) for row in told] == [("token.made", owner.key), ("token.withdrawn", owner.key)]
    assert all(text not in str(row.data) for row in told)


def test_what_is_done_by_a_token_is_told_with_the_person_and_the_token() -> None:
    token, text = made(make_person(make_user("mira", first_name="Mira", last_name="Okafor")), Scope.ALERTS_DECIDE)
    found = api_tokens.let_in(text)
    assert found is not None
    alert = make_alert()
    triage.acknowledge(alert.pk, api_tokens.acting(found))
    row = activity.history(alert)[0]
    assert row.data["token"] == token.pk
    line = history.lines([row])[0]
    assert (line.who, line.words) == ("Mira Okafor", "acknowledged it, by the API token “SOAR”")


def test_the_page_shows_a_new_token_once(client: Client) -> None:
    client.force_login(make_user())
    asked = {"name": "SOAR <b>", "scopes": ["alerts:read", "alerts:decide"], "days": "90"}
    answer = client.post("/account/tokens/", asked)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode().split('id="token" tabindex="0">')[1].split("<")[0]
    assert api_tokens.let_in(text) is not None
    assert "SOAR &lt;b&gt;" in answer.content.decode()
    again = client.get("/account/tokens/").content.decode()
    assert text not in again
    assert f"…{text[-4:]}" in again
    token = ApiToken.objects.get()
    assert token.scopes == ["alerts:read", "alerts:decide"]
    assert client.post(f"/account/tokens/{token.pk}/withdraw/").status_code == 302
    assert "lets nobody in any more" in client.get("/account/tokens/").content.decode()
    assert api_tokens.let_in(text) is None


def test_the_page_says_what_lacks_and_makes_nothing(client: Client) -> None:
    client.force_login(make_user())
    answer = client.post("/account/tokens/", {"name": "SOAR", "days": "90"})
    assert answer.status_code == 422
    assert "Choose what the token may do." in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_the_page_offers_only_what_the_account_may_do(client: Client) -> None:
    engineer, reader = make_user(role=DETECTION_ENGINEERS), make_user(role="")
    client.force_login(engineer)
    assert 'value="alerts:decide"' in client.get("/account/tokens/").content.decode()
    permission = engineer.groups.get().permissions.get(codename="view_alert")
    reader.user_permissions.add(permission)
    client.force_login(reader)
    page = client.get("/account/tokens/").content.decode()
    assert 'value="alerts:read"' in page
    assert 'value="alerts:decide"' not in page
    refused = client.post("/account/tokens/", {"name": "SOAR", "scopes": ["alerts:decide"], "days": "90"})
    assert refused.status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_sees_or_withdraws_the_tokens_of_others(client: Client) -> None:
    token, text = made()
    client.force_login(make_user())
    assert text[-4:] not in client.get("/account/tokens/").content.decode().split("<main")[1]
    assert client.post(f"/account/tokens/{token.pk}/withdraw/").status_code == 404
    assert api_tokens.let_in(text) is not None


def test_the_shell_lists_the_tokens_of_everybody_and_ends_one_that_leaked() -> None:
    token, text = made(make_person(make_user("mira")))
    other, other_text = made(make_person(make_user("anna")))
    out = StringIO()
    call_command("api_token", "list", stdout=out)
    assert f"{token.pk}  mira  SOAR (…{text[-4:]})  alerts:read  never used" in out.getvalue()
    assert "anna" in out.getvalue()
    assert text not in out.getvalue()
    call_command("api_token", "withdraw", text, stdout=StringIO())
    assert api_tokens.let_in(text) is None
    assert api_tokens.let_in(other_text) is not None
    assert activity.history(token)[0].program == "command"
    call_command("api_token", "withdraw", str(other.pk), stdout=StringIO())
    assert api_tokens.let_in(other_text) is None


@pytest.mark.parametrize("said", ["404", "odt_x", "9" * 30])
def test_the_shell_says_when_there_is_no_such_token(said: str) -> None:
    with pytest.raises(CommandError, match="no such token"):
        call_command("api_token", "withdraw", said, stdout=StringIO())
