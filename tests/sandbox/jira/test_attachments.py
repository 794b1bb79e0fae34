"""Files on an issue."""

import pytest

from tests.sandbox.jira.api import Api


@pytest.mark.parametrize("fixture", ["jira", "data_center"])
def test_a_file_is_kept_and_can_be_fetched_where_the_answer_says(request: pytest.FixtureRequest, fixture: str) -> None:
    api: Api = request.getfixturevalue(fixture)
    key = api.create()
    got = api.upload(key, "op-7 events.txt", "a\r\nü".encode())
    (made,) = got.json
    assert (got.status, made["filename"], made["size"], made["mimeType"]) == (200, "op-7 events.txt", 5, "text/plain")
    assert [attachment["id"] for attachment in api.fields(key)["attachment"]] == [made["id"]]
    fetched = api.raw(
        "GET", made["content"].removeprefix(api.url).replace(" ", "%20"), None, {"Authorization": api.credential()}
    )
    assert fetched.text == "a\r\nü"
    assert api.raw("GET", made["content"].removeprefix(api.url).replace(" ", "%20")).status == 401
    assert api.send("GET", f"/attachment/{made['id']}").json["filename"] == "op-7 events.txt"
    assert api.send("DELETE", f"/attachment/{made['id']}").status == 204
    assert api.fields(key)["attachment"] == []
    changes = [h["items"][0] for h in api.send("GET", f"/issue/{key}/changelog").json["values"]]
    assert [(c["field"], c["fromString"], c["toString"]) for c in changes] == [
        ("Attachment", None, "op-7 events.txt"),
        ("Attachment", "op-7 events.txt", None),
    ]


def test_a_form_without_the_token_against_forgery_is_refused(jira: Api) -> None:
    key = jira.create()
    got = jira.upload(key, "a.txt", b"a", {"X-Other": "1"})
    assert (got.status, got.text) == (403, "XSRF check failed")
    assert jira.fields(key)["attachment"] == []


def test_a_file_that_is_too_large_is_refused(jira: Api) -> None:
    limit = jira.send("GET", "/attachment/meta").json["uploadLimit"]
    key = jira.create()
    assert jira.upload(key, "a.txt", b"x" * (limit + 1)).status == 413
    assert jira.fields(key)["attachment"] == []


def test_a_body_that_is_no_form_is_refused(jira: Api) -> None:
    got = jira.send("POST", f"/issue/{jira.create()}/attachments", {"file": "x"}, {"X-Atlassian-Token": "no-check"})
    assert got.status == 415


def test_files_go_with_their_issue(jira: Api) -> None:
    key = jira.create()
    (made,) = jira.upload(key, "a.txt", b"a").json
    jira.send("DELETE", f"/issue/{key}")
    assert jira.send("GET", f"/attachment/{made['id']}").status == 404
