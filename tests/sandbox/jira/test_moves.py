"""Issues that move to another project or go; comments that change; what is really there."""

from tests.sandbox.jira.api import Api


def test_a_moved_issue_has_a_new_key_and_is_found_by_the_former_one(jira: Api) -> None:
    key = jira.create(labels=["op-1"], components=[{"name": "Identity"}])
    assert jira.control("POST", "/move", {"issue": key, "project": "SOC"}) == {"key": "SOC-1"}
    assert jira.send("GET", f"/issue/{key}").json["key"] == "SOC-1"
    assert jira.send("POST", f"/issue/{key}/comment", {"body": "still here"}).status == 201
    found = jira.search(f"key = {key}", fields=["status"])["issues"]
    assert [(issue["key"], issue["fields"]["status"]["name"]) for issue in found] == [("SOC-1", "Triage")]
    assert len(jira.search("project = SOC AND labels = op-1")["issues"]) == 1
    items = jira.send("GET", "/issue/SOC-1/changelog").json["values"][0]["items"]
    assert {
        item["field"]: (item["fromString"], item["toString"]) for item in items if item["field"] in {"Key", "project"}
    } == {
        "project": ("Security", "Operations"),
        "Key": (key, "SOC-1"),
    }
    page = jira.raw("GET", f"/browse/{key}")
    assert (page.status, page.headers["Location"]) == (302, "/browse/SOC-1")
    assert jira.create() == "SEC-2", "the former key is not used again"


def test_a_deleted_issue_is_gone_from_everywhere(jira: Api) -> None:
    key, other = jira.create(), jira.create()
    jira.send(
        "POST", "/issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    )
    jira.control("POST", "/move", {"issue": key, "project": "SOC"})
    jira.send("DELETE", "/issue/SOC-1")
    for gone in (key, "SOC-1"):
        assert jira.send("GET", f"/issue/{gone}").status == 404
    assert jira.fields(other)["issuelinks"] == []
    assert [issue["key"] for issue in jira.control("GET", "/issues")] == [other]


def test_a_comment_can_be_changed_and_deleted(jira: Api) -> None:
    key = jira.create()
    comment = jira.send("POST", f"/issue/{key}/comment", {"body": "one"}).json["id"]
    changed = jira.as_ada().send("PUT", f"/issue/{key}/comment/{comment}", {"body": "two"})
    assert (changed.status, changed.json["body"]) == (200, "two")
    assert changed.json["author"]["displayName"] == "oktadetect"
    assert changed.json["updateAuthor"]["displayName"] == "Ada Analyst"
    assert jira.send("DELETE", f"/issue/{key}/comment/{comment}").status == 204
    assert jira.send("GET", f"/issue/{key}/comment/{comment}").status == 404
    assert jira.send("PUT", f"/issue/{key}/comment/{comment}", {"body": "three"}).status == 404


def test_comments_come_in_pages_that_may_be_shorter_than_asked(jira: Api) -> None:
    key = jira.create()
    for number in range(5):
        jira.send("POST", f"/issue/{key}/comment", {"body": str(number)})
    jira.control("PUT", "/conditions", {"page_limit": 2})
    seen: list[str] = []
    while True:
        page = jira.send("GET", f"/issue/{key}/comment?startAt={len(seen)}&maxResults=100").json
        assert (page["total"], page["maxResults"]) == (5, 2)
        seen += [comment["body"] for comment in page["comments"]]
        if len(seen) == page["total"]:
            break
        assert page["comments"]
    assert seen == ["0", "1", "2", "3", "4"]


def test_what_is_really_there_is_told_past_lag_and_expired_tokens(jira: Api) -> None:
    jira.control("PUT", "/conditions", {"search_lag_s": 60})
    key, other = jira.create(labels=["op-1"]), jira.create()
    mark = {"key": "operation", "value": 7}
    jira.send("POST", f"/issue/{key}/comment", {"body": "*seen*", "properties": [mark]})
    jira.send("PUT", f"/issue/{key}/properties/p", {"q": 1})
    jira.send("POST", f"/issue/{key}/remotelink", {"globalId": "g", "object": {"url": "http://p", "title": "t"}})
    jira.send(
        "POST", "/issueLink", {"type": {"name": "Blocks"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    )
    jira.upload(key, "a.txt", b"a")
    jira.control("PUT", "/conditions", {"token_expired": True})
    first, second = jira.control("GET", "/issues")
    assert (first["key"], first["labels"], first["category"], first["attachments"]) == (key, ["op-1"], "new", ["a.txt"])
    assert [(c["text"], c["properties"]) for c in first["comments"]] == [("seen", {"operation": 7})]
    assert first["properties"] == {"p": {"q": 1}}
    assert [link["globalId"] for link in first["remote_links"]] == ["g"]
    assert first["links"] == [{"type": "Blocks", "outward": other}]
    assert second["links"] == [{"type": "Blocks", "inward": key}]
    assert len(jira.control("GET", "/requests")) == 7, "looking is not logged"
