"""``/_sandbox/``: what tests and people do to a Jira from outside. No authentication, never logged, never faulty."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from . import issues, jql
from .calls import Answer, RefusedError
from .census import census
from .faults import BadFaultError, Conditions, check_conditions, check_fault
from .jira import Jira, Request
from .site import read_project_changes
from .webhooks import Webhook, check_delays, read_webhooks, wanted_by

PREFIX = "/_sandbox"


def control(jira: Jira, request: Request) -> Answer:
    """Answer one of ``ROUTES``; 400 with the reason when the body makes no sense."""
    path = request.path.removeprefix(PREFIX)
    handler = ROUTES.get((request.method, path))
    if handler is None:
        return Answer(404, {"error": f"there is no {request.method} {PREFIX}{path}"})
    try:
        answer = handler(jira, json.loads(request.body or b"null"), request)
    except (BadFaultError, RefusedError, KeyError, TypeError, ValueError) as error:
        return Answer(400, {"error": str(error)})
    return Answer(204) if answer is None else answer


def _health(jira: Jira, _body: Any, _request: Request) -> Answer:
    return Answer(200, {"profile": jira.site.profile, "issues": len(jira.store.rows("SELECT id FROM issue"))})


def _requests(jira: Jira, _body: Any, request: Request) -> Answer:
    after = int(request.query.get("after", ["0"])[-1])
    rows = jira.store.rows("SELECT * FROM request WHERE id > ? ORDER BY id", [after])
    return Answer(200, [dict(row) for row in rows])


def _forget_requests(jira: Jira, _body: Any, _request: Request) -> None:
    jira.store.write("DELETE FROM request")


def _issues(jira: Jira, _body: Any, _request: Request) -> Answer:
    return Answer(200, census(jira.store))


def _faults(jira: Jira, _body: Any, _request: Request) -> Answer:
    return Answer(200, jira.faults.waiting())


def _add_faults(jira: Jira, body: Any, _request: Request) -> Answer:
    """One fault, or a list of them."""
    for fault in [check_fault(entry) for entry in (body if isinstance(body, list) else [body])]:
        jira.faults.add(fault)
    return Answer(201, jira.faults.waiting())


def _forget_faults(jira: Jira, _body: Any, _request: Request) -> None:
    jira.faults.clear()


def _seed(jira: Jira, body: Any, _request: Request) -> None:
    jira.faults.seed(int(body["seed"]))


def _conditions(jira: Jira, _body: Any, _request: Request) -> Answer:
    return Answer(200, asdict(jira.conditions))


def _set_conditions(jira: Jira, body: Any, _request: Request) -> None:
    jira.conditions = check_conditions(body)


def _set_up_project(jira: Jira, body: Any, _request: Request) -> None:
    told = dict(body)
    jira.site = jira.site.with_project(told.pop("key"), read_project_changes(told))


def _refuse(jira: Jira, body: Any, _request: Request) -> None:
    jira.refuse(float(body["for_s"]))


def _move(jira: Jira, body: Any, request: Request) -> Answer:
    """As Ada: ``{"issue": key, "project": key}``."""
    issue, project = jira.store.find_issue(str(body["issue"])), jira.site.project(body["project"])
    if issue is None or project is None:
        raise ValueError("there is no such issue or project")
    call = jira.call_by(jira.site.people[1], request)
    with jira.store.transaction():
        key = issues.move(call, issue, project)
    jira.tell(call)
    return Answer(200, {"key": key})


def _webhooks(jira: Jira, _body: Any, _request: Request) -> Answer:
    found = read_webhooks(jira.store.rows("SELECT * FROM webhook ORDER BY id"))
    return Answer(200, [{name: value for name, value in vars(w).items() if name != "secret"} for w in found])


def _add_webhook(jira: Jira, body: Any, _request: Request) -> Answer:
    webhook = Webhook(**{"id": 0, "name": "webhook", **body, "events": tuple(body.get("events", ()))})
    jql.parse(webhook.jql, jira.site)
    columns = {name: value for name, value in vars(webhook).items() if name != "id"}
    webhook_id = jira.store.insert("webhook", {**columns, "events": json.dumps(webhook.events)})
    return Answer(201, {"id": webhook_id})


def _forget_webhooks(jira: Jira, _body: Any, _request: Request) -> None:
    jira.store.write("DELETE FROM webhook")


def _send(jira: Jira, body: Any, _request: Request) -> None:
    """Send a body that names its ``webhookEvent`` to all who listen to it, whatever else is in it."""
    for webhook in read_webhooks(jira.store.rows("SELECT * FROM webhook ORDER BY id")):
        if wanted_by(webhook, body["webhookEvent"]):
            jira.sender.send(webhook, body)


def _deliveries(jira: Jira, _body: Any, _request: Request) -> Answer:
    return Answer(200, {"idle": jira.sender.is_idle(), "deliveries": jira.sender.deliveries()})


def _set_delays(jira: Jira, body: Any, _request: Request) -> None:
    jira.sender.set_delays(check_delays(body))


def _reset(jira: Jira, _body: Any, _request: Request) -> None:
    jira.site = jira.original_site
    jira.conditions = Conditions()
    jira.faults.clear()
    jira.faults.seed(0)
    jira.sender.clear()
    jira.store.erase()


ROUTES: dict[tuple[str, str], Callable[[Jira, Any, Request], Answer | None]] = {
    ("GET", "/health"): _health,
    ("GET", "/requests"): _requests,
    ("DELETE", "/requests"): _forget_requests,
    ("GET", "/issues"): _issues,
    ("GET", "/faults"): _faults,
    ("POST", "/faults"): _add_faults,
    ("DELETE", "/faults"): _forget_faults,
    ("PUT", "/seed"): _seed,
    ("GET", "/conditions"): _conditions,
    ("PUT", "/conditions"): _set_conditions,
    ("PUT", "/project"): _set_up_project,
    ("POST", "/refuse"): _refuse,
    ("POST", "/move"): _move,
    ("GET", "/webhooks"): _webhooks,
    ("POST", "/webhooks"): _add_webhook,
    ("DELETE", "/webhooks"): _forget_webhooks,
    ("POST", "/webhooks/send"): _send,
    ("GET", "/deliveries"): _deliveries,
    ("PUT", "/delays"): _set_delays,
    ("POST", "/reset"): _reset,
}
