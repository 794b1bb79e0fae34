"""The sender of webhooks: what it tells, how it signs, and the trouble that it makes for a receiver."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.jira.api import Api

SECRET = "a secret between the two"


@dataclass
class Receiver:
    """Who is told; ``statuses`` are what it answers, and 200 once they are used up."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]

    @property
    def events(self) -> list[str]:
        return [body["webhookEvent"] for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port."""
    seen = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.got.append((self.path, dict(self.headers.items()), body))
            self.send_response(seen.statuses.pop(0) if seen.statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


def listen(jira: Api, receiver: Receiver, path: str = "/hook", **options: Any) -> None:
    jira.control("POST", "/webhooks", {"url": receiver.url + path, "secret": SECRET, **options})


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "not in 10 s"
        time.sleep(0.005)


def settle(jira: Api) -> list[dict[str, Any]]:
    """Wait until nothing is on its way; return all deliveries."""
    until(lambda: jira.control("GET", "/deliveries")["idle"])
    found: list[dict[str, Any]] = jira.control("GET", "/deliveries")["deliveries"]
    return found


def test_everything_that_happens_to_an_issue_is_told_in_order(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    key, other = jira.create(), jira.create()
    ada = jira.as_ada()
    comment = ada.send("POST", f"/issue/{key}/comment", {"body": "mine"}).json["id"]
    ada.send("PUT", f"/issue/{key}/comment/{comment}", {"body": "yours"})
    ada.send("DELETE", f"/issue/{key}/comment/{comment}")
    ada.send(
        "POST", "/issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
    )
    ada.upload(key, "a.txt", b"a")
    ada.close(key)
    jira.send("DELETE", f"/issue/{key}")
    settle(jira)
    assert receiver.events == [
        "jira:issue_created",
        "jira:issue_created",
        "comment_created",
        "comment_updated",
        "comment_deleted",
        "issuelink_created",
        "attachment_created",
        "jira:issue_updated",
        "jira:issue_updated",
        "jira:issue_deleted",
    ]
    closed = receiver.bodies[8]
    assert closed["user"]["displayName"] == "Ada Analyst"
    assert closed["issue"]["key"] == key
    assert closed["issue"]["fields"]["status"]["statusCategory"]["key"] == "done"
    assert {i["field"]: (i["fromString"], i["toString"]) for i in closed["changelog"]["items"]} == {
        "status": ("To Do", "Done"),
        "resolution": (None, "Done"),
    }
    assert receiver.bodies[2]["comment"]["body"] == "mine"
    assert receiver.bodies[2]["issue"]["key"] == key
    link = receiver.bodies[5]["issueLink"]
    assert (link["sourceIssueId"], link["destinationIssueId"]) == (10001, 10002)


def test_own_changes_come_back(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.create()
    settle(jira)
    assert receiver.bodies[0]["user"]["accountId"] == jira.send("GET", "/myself").json["accountId"]


def test_what_was_refused_is_not_told(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.send("POST", "/issue", {"fields": {**jira.minimal(), "labels": ["a b"]}})
    key = jira.create()
    both = {"fields": {}, "update": {"comment": [{"add": {"body": "x"}}, {"add": {"body": ""}}]}}
    assert jira.send("PUT", f"/issue/{key}", both).status == 400
    settle(jira)
    assert receiver.events == ["jira:issue_created"]


def test_a_change_is_told_when_its_answer_is_lost(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.control("POST", "/faults", {"trouble": "drop-after", "call": "create"})
    with pytest.raises(ConnectionError):
        jira.create()
    settle(jira)
    assert receiver.events == ["jira:issue_created"]


def test_a_delivery_is_signed_over_its_raw_body(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.create(summary="Zürich ✓")
    settle(jira)
    _, headers, body = receiver.got[0]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == f"sha256={expected}"
    assert headers["X-Atlassian-Webhook-Identifier"]
    assert SECRET not in jira.raw("GET", "/_sandbox/deliveries").text
    assert SECRET not in jira.raw("GET", "/_sandbox/webhooks").text


def test_a_webhook_without_a_secret_is_not_signed_and_can_have_it_in_its_path(
    data_center: Api, receiver: Receiver
) -> None:
    listen(data_center, receiver, "/hook/s3cret?issue=${issue.key}&project={project.key}", secret="")
    data_center.create()
    settle(data_center)
    path, headers, _ = receiver.got[0]
    assert path == "/hook/s3cret?issue=SEC-1&project=SEC"
    assert "X-Hub-Signature" not in headers


def test_data_center_tells_of_a_comment_twice_over(data_center: Api, receiver: Receiver) -> None:
    listen(data_center, receiver)
    key = data_center.create()
    data_center.send("POST", f"/issue/{key}/comment", {"body": "x"})
    settle(data_center)
    assert receiver.events == ["jira:issue_created", "comment_created", "jira:issue_updated"]
    assert receiver.bodies[2]["issue_event_type_name"] == "issue_commented"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_what_may_pass_is_tried_again_under_the_same_identifier(jira: Api, receiver: Receiver, status: int) -> None:
    listen(jira, receiver)
    jira.control("PUT", "/delays", {"retry_s": 0.02})
    receiver.statuses = [status, status]
    jira.create()
    (delivery,) = settle(jira)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)
    assert len({headers["X-Atlassian-Webhook-Identifier"] for _, headers, _ in receiver.got}) == 1
    assert [headers["X-Atlassian-Webhook-Retry"] for _, headers, _ in receiver.got] == ["0", "1", "2"]


def test_what_was_refused_is_not_tried_again_and_what_fails_not_for_ever(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.control("PUT", "/delays", {"retry_s": 0.01})
    receiver.statuses = [403, *[500] * 9]
    jira.create()
    jira.create()
    states = [(d["state"], d["attempts"]) for d in settle(jira)]
    assert states == [("refused", 1), ("failed", 5)]


def test_a_receiver_that_is_not_there_is_tried_again(jira: Api, receiver: Receiver) -> None:
    jira.control("POST", "/webhooks", {"url": "http://127.0.0.1:9/"})
    jira.control("PUT", "/delays", {"retry_s": 0.01})
    jira.create()
    assert [(d["state"], d["attempts"], d["status"]) for d in settle(jira)] == [("failed", 5, 0)]


def test_deliveries_come_twice_late_or_never_when_told_so(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.control("PUT", "/delays", {"twice": 1})
    jira.create()
    settle(jira)
    assert len(receiver.got) == 2
    assert len({headers["X-Atlassian-Webhook-Identifier"] for _, headers, _ in receiver.got}) == 1

    receiver.got.clear()
    jira.control("PUT", "/delays", {"late": 1, "late_s": 0.3, "seed": 3})
    made = [jira.create() for _ in range(8)]
    settle(jira)
    told = [body["issue"]["key"] for body in receiver.bodies]
    assert sorted(told) == sorted(made)
    assert told != made

    receiver.got.clear()
    jira.control("PUT", "/delays", {"lost": 1})
    jira.create()
    assert settle(jira)[-1]["state"] == "lost"
    assert receiver.got == []


def test_only_what_was_asked_for_is_told(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver, events=["jira:issue_updated"], jql="project = SEC AND labels = okta")
    for labels in (["okta"], []):
        key = jira.create(labels=labels)
        jira.send("PUT", f"/issue/{key}", {"fields": {"summary": "New"}})
    jira.send("PUT", "/issue/SEC-1", {"fields": {"summary": "New"}})  # as it is already: no change
    settle(jira)
    assert [(b["webhookEvent"], b["issue"]["key"]) for b in receiver.bodies] == [("jira:issue_updated", "SEC-1")]


def test_a_body_about_an_issue_that_is_not_there_can_be_sent(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver)
    jira.control("POST", "/webhooks/send", {"webhookEvent": "jira:issue_updated", "issue": {"key": "ELSE-1"}})
    settle(jira)
    assert receiver.bodies[0]["issue"] == {"key": "ELSE-1"}


def test_webhooks_are_kept_and_can_be_forgotten(jira: Api, receiver: Receiver) -> None:
    listen(jira, receiver, name="portal")
    assert [(w["name"], w["enabled"]) for w in jira.control("GET", "/webhooks")] == [("portal", True)]
    assert jira.raw("POST", "/_sandbox/webhooks", {"url": "http://x", "jql": "colour = red"}).status == 400
    jira.control("DELETE", "/webhooks")
    jira.create()
    assert settle(jira) == []
