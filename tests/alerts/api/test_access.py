"""Who gets in, what each operation asks for, and how what is wrong is answered."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import URLPattern, reverse

from alerts.api import reference
from alerts.api.urls import urlpatterns
from alerts.choices import Scope, Status
from alerts.models import ApiToken
from alerts.services import sources
from core.models import Person
from tests.alerts.api.client import Program, program_of
from tests.factories import make_alert, make_person, make_user

pytestmark = pytest.mark.django_db
UUID = "00000000-0000-0000-0000-000000000007"
NEEDS: dict[tuple[str, str], str] = {
    ("GET", "/me/"): "",
    ("GET", "/alerts/"): "alerts:read",
    ("GET", "/alerts/1/"): "alerts:read",
    ("GET", "/alerts/1/evidence/"): "alerts:read",
    ("POST", "/alerts/1/assign/"): "alerts:decide",
    ("POST", "/alerts/1/acknowledge/"): "alerts:decide",
    ("POST", "/alerts/1/snooze/"): "alerts:decide",
    ("POST", "/alerts/1/unsnooze/"): "alerts:decide",
    ("POST", "/alerts/1/true-positive/"): "alerts:decide",
    ("POST", "/alerts/1/escalate/"): "alerts:decide",
    ("POST", "/alerts/1/close/"): "alerts:decide",
    ("POST", "/alerts/1/reopen/"): "alerts:decide",
    ("POST", "/alerts/1/undo/"): "alerts:decide",
    ("POST", "/alerts/1/bring-back/"): "alerts:decide",
    ("GET", "/alerts/1/comments/"): "alerts:read",
    ("POST", "/alerts/1/comments/"): "alerts:comment",
    ("DELETE", "/alerts/1/comments/1/"): "alerts:comment",
    ("GET", "/entities/"): "alerts:read",
    ("GET", "/entities/user/anna@example.com/"): "alerts:read",
    ("GET", "/entities/user/anna@example.com/alerts/"): "alerts:read",
    ("GET", "/cases/"): "alerts:read",
    ("GET", "/cases/1/"): "alerts:read",
    ("GET", "/monitors/"): "monitors:read",
    ("GET", f"/monitors/{UUID}/"): "monitors:read",
    ("GET", "/suppressions/"): "alerts:read",
    ("GET", "/suppressions/1/"): "alerts:read",
    ("GET", "/measures/"): "measures:read",
    ("GET", "/pipeline/health/"): "pipeline:read",
    ("GET", "/pipeline/deliveries/"): "pipeline:read",
    ("GET", f"/pipeline/deliveries/{UUID}/"): "pipeline:read",
    ("GET", "/pipeline/operations/"): "pipeline:read",
}
SCOPED = [(method, path, scope) for (method, path), scope in NEEDS.items() if scope]


def sent(program: Program, method: str, path: str) -> Any:
    return program.send(method, path, body={} if method == "POST" else None)


def test_every_operation_is_in_the_table_above() -> None:
    """So that the tests on access miss none that is added."""
    described = [(method, path) for path, methods in reference.schema()["paths"].items() for method in methods]
    assert len(described) == len(NEEDS)
    beyond = {"api-docs", "api-schema", "api-nothing"}
    routes = {one.name for one in urlpatterns if isinstance(one, URLPattern)} - beyond
    assert len(routes) == len({path for _, path in NEEDS})


@pytest.mark.parametrize(("method", "path"), NEEDS)
def test_a_stranger_gets_in_nowhere(method: str, path: str) -> None:
    for text in ("", "odt_" + "x" * 43):
        answer = sent(Program(text), method, path)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert set(answer.json()) == {"code", "detail"}


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED)
def test_a_token_without_the_scope_is_refused_and_told_which_it_lacks(
    mira: Person, method: str, path: str, scope: str
) -> None:
    others = [one for one in Scope if one != scope]
    answer = sent(program_of(mira, *others), method, path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"
    assert f"scope {scope}" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED)
def test_a_token_with_the_scope_alone_gets_in(mira: Person, method: str, path: str, scope: str) -> None:
    assert sent(program_of(mira, Scope(scope)), method, path).status_code in {200, 400, 404}


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED)
def test_a_token_may_no_more_than_its_owner_who_lost_the_role(
    soar: Program, mira: Person, method: str, path: str, scope: str
) -> None:
    assert mira.user is not None
    mira.user.groups.clear()
    answer = sent(soar, method, path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "role_missing"


def test_a_token_of_somebody_who_may_only_look_now_decides_nothing(soar: Program, mira: Person) -> None:
    assert mira.user is not None
    mira.user.groups.clear()
    mira.user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    alert = make_alert()
    assert soar.get(f"/alerts/{alert.pk}/").status_code == 200
    assert soar.post(f"/alerts/{alert.pk}/acknowledge/", {"version": None}).status_code == 403
    alert.refresh_from_db()
    assert alert.status == Status.NEW


def test_the_token_of_an_account_that_is_switched_off_is_dead(soar: Program, mira: Person) -> None:
    User.objects.filter(person=mira).update(is_active=False)
    assert soar.get("/me/").status_code == 401


def test_the_token_of_a_source_does_not_open_the_api() -> None:
    assert Program(sources.mint("cluster", by="test")).get("/alerts/").status_code == 401


def test_a_token_opens_the_api_and_no_page(soar: Program) -> None:
    answer = Client().get("/", headers={"Authorization": f"Bearer {soar.token}"})
    assert answer.status_code == 302


def test_whoever_is_signed_in_may_ask_by_the_browser_and_decides_with_the_form_token_only() -> None:
    alert = make_alert()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    assert client.get("/api/v1/alerts/").status_code == 200
    assert client.get("/api/v1/me/").json()["token"] is None
    refused = client.post(f"/api/v1/alerts/{alert.pk}/acknowledge/", {"version": None}, "application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    client.get("/account/tokens/")  # a page with a form brings the cookie
    token = client.cookies["csrftoken"].value
    done = client.post(
        f"/api/v1/alerts/{alert.pk}/acknowledge/", {"version": None}, "application/json", headers={"X-CSRFToken": token}
    )
    assert done.status_code == 200


@override_settings(OKTADETECT_API_REQUESTS_PER_MINUTE=3)
def test_each_token_has_its_rate(soar: Program, mira: Person) -> None:
    for _ in range(3):
        assert soar.get("/me/").status_code == 200
    answer = soar.get("/me/")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer.json()["code"] == "throttled"
    assert program_of(mira, Scope.ALERTS_READ).get("/me/").status_code == 200


@pytest.mark.parametrize(
    "body",
    ["", "nothing", "[]", "null", '"x"', "[" * 30_000, '{"version": NaN}', '{"version": 1e400}', '{"version": {}}',
     '{"version": true}', '{"version": "1"}x', '{"version": 99999999999999999999}', b"\xff\xfe", '{"version": -1}'],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused(soar: Program, body: str | bytes) -> None:
    alert = make_alert()
    answer = soar.post(f"/alerts/{alert.pk}/acknowledge/", body)
    assert answer.status_code == 400
    alert.refresh_from_db()
    assert alert.status == Status.NEW


def test_a_body_that_is_too_large_is_refused(soar: Program) -> None:
    answer = soar.post(f"/alerts/{make_alert().pk}/comments/", {"text": "x" * 70_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_in_chunks_is_not_taken_for_none(soar: Program) -> None:
    path = f"/api/v1/alerts/{make_alert().pk}/comments/"
    headers = {"Authorization": f"Bearer {soar.token}", "Transfer-Encoding": "chunked"}
    answer = Client().post(path, {"text": "Seen"}, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_nobody_on_the_way_keeps_what_is_answered(soar: Program) -> None:
    for path in ("/alerts/", "/alerts/404/", "/nowhere/"):
        answer = Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {soar.token}"})
        assert answer["Cache-Control"] == "no-store"


def test_an_error_on_our_side_is_json_with_the_id_that_the_log_has(
    soar: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("alerts.services.measures.times", broken)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/measures/", headers={"Authorization": f"Bearer {soar.token}"})
    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert answer["X-Request-Id"] in answer.json()["detail"]
    assert "broken on purpose" not in answer.content.decode()


def test_a_form_is_no_json(soar: Program) -> None:
    path = f"/api/v1/alerts/{make_alert().pk}/acknowledge/"
    answer = Client().post(path, {"version": ""}, headers={"Authorization": f"Bearer {soar.token}"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/alerts/1/"), ("OPTIONS", "/alerts/"), ("GET", "/alerts/1/close/")]
)
def test_a_method_that_an_address_does_not_have_is_told(soar: Program, method: str, path: str) -> None:
    answer = Client().generic(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {soar.token}"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v2/alerts/", "/api/v1/alerts/x/", "/api/v1/entities/user/~/"]
)
def test_an_address_that_is_none_is_not_found_in_json(path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = Client().generic(method, path)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "not_found")


def test_what_was_wrong_with_a_token_stands_in_no_answer(mira: Person) -> None:
    text = "odt_<script>" + "x" * 2000
    assert text not in Program(text.replace("<script>", "script")).get("/me/").content.decode()


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "bearer  ", "Token x", "Bearer a b", "Bearer \xff"])
def test_an_odd_authorization_is_that_of_a_stranger(header: str) -> None:
    answer = Client().get("/api/v1/me/", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401


def test_the_schema_and_its_page_are_for_accounts(client: Client, soar: Program) -> None:
    assert Client().get(reverse("api-schema")).status_code == 401
    assert Client().get(reverse("api-docs")).status_code == 302
    client.force_login(make_user(role=""))
    assert client.get(reverse("api-docs")).status_code == 403
    answer = Client().get(reverse("api-schema"), headers={"Authorization": f"Bearer {soar.token}"})
    assert answer.json()["openapi"].startswith("3.1")


def test_the_last_use_stands_on_the_token(soar: Program) -> None:
    soar.get("/me/")
    assert ApiToken.objects.get().last_used_at is not None


def test_tokens_of_one_person_are_withdrawn_and_of_another_are_not(soar: Program, client: Client, mira: Person) -> None:
    other = program_of(make_person(), Scope.ALERTS_READ)
    assert mira.user is not None
    client.force_login(mira.user)
    client.post(f"/account/tokens/{ApiToken.objects.get(owner=mira).pk}/withdraw/")
    assert soar.get("/me/").status_code == 401
    assert other.get("/me/").status_code == 200
