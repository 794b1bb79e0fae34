"""
Whether Jira is set up as tickets need it, one finding for each thing, with the fix in one sentence.

Reads only; `deep` also makes a test issue, looks how long a search does not find it, and deletes it again. Raises nothing of Jira's: what
could not be asked is a finding. What stands on something that is wrong is not asked.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings

from alerts.models import JiraEvent, JiraState, Ticket, TicketTemplate
from alerts.ticketing import client, metadata, reading, transitions
from alerts.ticketing.errors import JiraError, JiraRefused
from alerts.ticketing.findings import Finding, note, ok, wrong
from core import clock

log = structlog.get_logger(__name__)

PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "ADD_COMMENTS": "Add Comments",
    "LINK_ISSUES": "Link Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "CREATE_ATTACHMENTS": "Create Attachments",
}
SENT = {"project", "issuetype", "summary", "description", "priority", "labels", "reporter"}
LINK_TYPES = ("Relates", "Duplicate")
MOST_SKEW_SECONDS = 60
LONGEST_LAG_SECONDS = 180
LOOK_SECONDS = 1.0


class Stopped(Exception):
    """What follows cannot be asked: `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.words)
        self.finding = finding


def asked() -> None:
    """Do the check that somebody waits for, and keep it for the page; nothing where nobody waits."""
    if JiraState.objects.exclude(check_asked_at=None).exists():
        run()


def run(*, deep: bool = False) -> list[Finding]:
    """Check everything, and keep the findings for the page."""
    found: list[Finding] = []
    try:
        for part in (_address, _connection, _account, _permissions, _creating, _link_types, _transitions, _webhook):
            found += part()
        if deep:
            found += _index_lag()
    except Stopped as error:
        found.append(error.finding)
    state = JiraState.load()
    told = [finding.as_json() for finding in found]
    JiraState.objects.filter(pk=state.pk).update(checked=told, checked_at=clock.now(), check_asked_at=None)
    return found


def _asking(name: str, ask: Callable[[], Any], fix: str = "") -> Any:
    """Return what Jira answers; an error is a finding after which nothing more is asked."""
    try:
        return ask()
    except JiraError as error:
        raise Stopped(
            wrong(name, str(error), fix or "Mend that first: what stands on it was not looked at.")
        ) from error


def _address() -> Iterator[Finding]:
    if not settings.JIRA_URL:
        raise Stopped(wrong("Address", "No Jira is set.", "Give its address in JIRA_URL."))
    yield ok("Address", settings.JIRA_URL)


def _connection() -> Iterator[Finding]:
    """Who answers there, and what time it is there. Told to anyone: nothing here needs credentials."""
    asked_at = clock.now()
    answer = _asking(
        "Connection", lambda: client.call("GET", "serverInfo"), "Check JIRA_URL, JIRA_CA_FILE and the way there."
    )
    is_cloud = answer.get("deploymentType") == "Cloud"
    yield ok("Connection", f"Jira {'Cloud' if is_cloud else 'Data Center'} {answer.get('version', '')}".strip())
    if answer.get("serverTime"):
        took = (clock.now() - asked_at) / 2
        skew = int(abs((reading.when(answer["serverTime"]) - asked_at - took).total_seconds()))
        words = f"Jira's clock and ours are {skew} s apart"
        is_far = skew > MOST_SKEW_SECONDS
        yield wrong("Clock", words + ".", "Set both by NTP.") if is_far else ok("Clock", words)
    if is_cloud and not settings.JIRA_USER:
        yield wrong(
            "Sign-in", "Jira Cloud takes an API token with its e-mail address.", "Give that address in JIRA_USER."
        )


def _account() -> Iterator[Finding]:
    answer = _asking(
        "Sign-in", lambda: client.call("GET", "myself"),
        "Make a new token for that account and give it in JIRA_TOKEN (Cloud: with JIRA_USER).",
    )  # fmt: skip
    who = reading.actor(answer)
    if who is None:
        raise Stopped(wrong("Sign-in", "Jira does not say who we are.", "Check JIRA_USER and JIRA_TOKEN."))
    yield ok(
        "Sign-in", f"We are {who.name} there; changes of that account are taken for ours, so let nobody else use it"
    )


def _permissions() -> Iterator[Finding]:
    params = {"projectKey": settings.JIRA_PROJECT, "permissions": ",".join(PERMISSIONS)}
    try:
        answer = client.call("GET", "mypermissions", params=params)
    except JiraRefused as error:
        fix = "Correct JIRA_PROJECT (it is the project's key), or let the account browse that project."
        raise Stopped(wrong("Project", f"{settings.JIRA_PROJECT} is no project that we see. {error}", fix)) from error
    except JiraError as error:
        raise Stopped(wrong("Permissions", str(error), "Try again later.")) from error
    held = answer.get("permissions") or {}
    lacking = [name for key, name in PERMISSIONS.items() if not (held.get(key) or {}).get("havePermission")]
    if "Browse Projects" in lacking:
        fix = "Correct JIRA_PROJECT (it is the project's key), or let the account browse that project."
        raise Stopped(wrong("Project", f"{settings.JIRA_PROJECT} is no project that we see.", fix))
    yield ok("Project", settings.JIRA_PROJECT)
    if lacking:
        fix = f"Give the account a role with them in the permission scheme of {settings.JIRA_PROJECT}."
        yield wrong("Permissions", f"We lack {', '.join(lacking)}.", fix)
    else:
        yield ok("Permissions", ", ".join(PERMISSIONS.values()))


def _creating() -> Iterator[Finding]:
    """The issue type and what its create screen takes."""
    fix = f"Let the account create issues in {settings.JIRA_PROJECT}."
    try:
        types = metadata.issue_types(settings.JIRA_PROJECT)
        chosen = next((one for one in types if one.get("name") == settings.JIRA_ISSUE_TYPE), None)
        if chosen is None:
            names = ", ".join(str(one.get("name")) for one in types) or "none"
            words = f"{settings.JIRA_PROJECT} has no issue type “{settings.JIRA_ISSUE_TYPE}” for us."
            yield wrong("Issue type", words, f"Set JIRA_ISSUE_TYPE to one of: {names}.")
            return
        fields = {str(one["fieldId"]): one for one in metadata.create_fields(settings.JIRA_PROJECT, chosen)}
    except JiraError as error:
        yield wrong("Issue type", str(error), fix)
        return
    yield ok("Issue type", settings.JIRA_ISSUE_TYPE)
    yield from _screen(fields)


def _screen(fields: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    sent = SENT | _filled_in()
    missing = [
        f"{one.get('name')} ({name})"
        for name, one in fields.items()
        if one.get("required") and not one.get("hasDefaultValue") and name not in sent
    ]
    if missing:
        fix = "Give them a default in Jira, make them optional, or fill them in by a ticket template."
        yield wrong("Required fields", f"A new issue must have {', '.join(missing)}, which we do not send.", fix)
    else:
        yield ok("Required fields", "none that we do not send")
    fix = f"Add it to the create screen of {settings.JIRA_ISSUE_TYPE} in {settings.JIRA_PROJECT}."
    if "labels" in fields:
        yield ok("Labels", "on the create screen")
    else:
        yield wrong(
            "Labels", "They are not on the create screen: a ticket whose answer was lost could not be found.", fix
        )
    if "description" not in fields:
        yield wrong("Description", "It is not on the create screen.", fix)
    if "priority" not in fields:
        yield wrong("Priorities", "Priority is not on the create screen.", fix)
        return
    names = [str(one.get("name")) for one in fields["priority"].get("allowedValues") or ()]
    unknown = [name for name in dict.fromkeys(settings.JIRA_PRIORITIES) if name not in names]
    if unknown and names:
        yield wrong(
            "Priorities", f"There is no {', '.join(unknown)}.", f"Set JIRA_PRIORITIES to five of: {', '.join(names)}."
        )
    else:
        yield ok("Priorities", ", ".join(settings.JIRA_PRIORITIES))


def _filled_in() -> set[str]:
    """Return the fields that the ticket template for all monitors fills in."""
    template = TicketTemplate.objects.filter(monitor=None).first()
    if template is None:
        return set()
    named = {"components": template.components, "security": template.security_level, "assignee": template.assignee}
    return {str(one["id"]) for one in template.resolved} | {name for name, value in named.items() if value}


def _link_types() -> Iterator[Finding]:
    answer = _asking("Link types", lambda: client.call("GET", "issueLinkType"), "Switch issue linking on in Jira.")
    names = {str(one.get("name")) for one in answer.get("issueLinkTypes") or ()}
    lacking = [name for name in LINK_TYPES if name not in names]
    if lacking:
        yield wrong(
            "Link types", f"There is no {' and no '.join(lacking)}.", "Add it under Issue linking in Jira's settings."
        )
    else:
        yield ok("Link types", ", ".join(LINK_TYPES))


def _transitions() -> Iterator[Finding]:
    """Whether a step leads to each side from where our newest tickets stand: one that is open, one that is done."""
    seen = 0
    for is_done, goal in ((False, "done"), (True, "open")):
        rows = Ticket.objects.filter(gone_at=None).exclude(status_category="")
        ticket = (rows.filter(status_category="done") if is_done else rows.exclude(status_category="done")).last()
        if ticket is None:
            continue
        seen += 1
        yield from _steps(ticket, goal)
    if not seen:
        yield note(
            "Transitions",
            "They are seen once there is a ticket.",
            "Run `manage.py jira check --deep`, which makes one.",
        )


def _steps(ticket: Ticket, goal: str) -> Iterator[Finding]:
    params = {"expand": "transitions.fields"}
    try:
        answer = client.call("GET", f"issue/{ticket.jira_id}/transitions", params=params)
    except JiraError as error:
        yield note("Transitions", str(error))
        return
    yield _step(answer.get("transitions") or [], ticket.key, (ticket.status, ticket.status_category), goal)


def _step(steps: list[dict[str, Any]], key: str, now: tuple[str, str], goal: str) -> Finding:
    """Judge the steps of an issue that has a status of the name and category `now`."""
    status, category = now
    leading = [step for step in steps if (transitions.category_of(step.get("to") or {}) == "done") == (goal == "done")]
    free = [step for step in leading if not transitions.lacking(step)]
    if free:
        return ok("Transitions", f"“{free[0].get('name')}” leads {key} from “{status}” to {goal}")
    words = f"None leads {key} from “{status}” to a {goal} status"
    nearer = transitions.on_the_way(steps, category) if goal == "done" else []
    if nearer:
        by = (nearer[0].get("to") or {}).get("name")
        return ok(
            "Transitions", f"“{nearer[0].get('name')}” leads {key} from “{status}” to “{by}”; it is closed from there"
        )
    if not leading:
        return wrong("Transitions", words + ".", "Add one to the workflow, and let the account take it.")
    fields = ", ".join(sorted({name for step in leading for name in transitions.lacking(step)}))
    fix = "Name one in OKTADETECT_JIRA_RESOLUTION." if fields == "resolution" else "Make it optional on that screen."
    return wrong("Transitions", f"{words} without {fields}.", fix)


def _webhook() -> Iterator[Finding]:
    name = "Webhook"
    heard = JiraEvent.objects.order_by("-received_at").first()
    if not settings.JIRA_WEBHOOK_PATH:
        fix = "Set JIRA_WEBHOOK_PATH to a long random value, and have Jira post to /jira-events/<it>/."
        yield note(name, "None is set up: changes in Jira are found by asking once a minute.", fix)
    elif len(settings.JIRA_WEBHOOK_PATH) < 16:
        yield wrong(name, "JIRA_WEBHOOK_PATH is easily guessed.", "Give it at least 16 random characters.")
    elif heard is None:
        fix = "In Jira, add a webhook for issues, comments and issue links that posts to /jira-events/<JIRA_WEBHOOK_PATH>/."
        yield note(name, "Nothing was heard yet.", fix)
    else:
        signed = "signed" if settings.JIRA_WEBHOOK_SECRET else "not signed: set JIRA_WEBHOOK_SECRET where Jira can sign"
        yield ok(name, f"last heard {heard.received_at:%Y-%m-%d %H:%M:%S} UTC, {signed}")


def _index_lag() -> Iterator[Finding]:
    """Make an issue, look how long a search does not find it, and delete it again."""
    name, label = "Index lag", f"oktadetect-check-{uuid4()}"
    fields = {
        "project": {"key": settings.JIRA_PROJECT},
        "issuetype": {"name": settings.JIRA_ISSUE_TYPE},
        "summary": "oktadetect checks its way to Jira; this issue is deleted again",
        "labels": [label],
    }
    try:
        issue = client.call("POST", "issue", body={"fields": fields})
    except JiraError as error:
        yield wrong("Creating", str(error), "Mend what Jira names.")
        return
    yield ok("Creating", str(issue.get("key")))
    try:
        yield from _lag(label, name)
        answer = client.call("GET", f"issue/{issue['id']}/transitions", params={"expand": "transitions.fields"})
        yield _step(answer.get("transitions") or [], str(issue.get("key")), ("its first status", "new"), "done")
    except JiraError as error:
        yield note(name, str(error))
    try:
        client.delete_issue(str(issue["key"]))
    except JiraError as error:
        yield note("Deleting", f"{issue.get('key')} could not be deleted. {error}", "Delete it by hand.")


def _lag(label: str, name: str) -> Iterator[Finding]:
    began = time.monotonic()
    while (seconds := time.monotonic() - began) < LONGEST_LAG_SECONDS:
        if any(reading.pages(f'labels = "{label}"', "key")):
            held = settings.JIRA_INDEX_LAG_SECONDS
            words = f"A search found the new issue after {seconds:.1f} s; JIRA_INDEX_LAG_SECONDS is {held}"
            is_short = seconds > held / 2
            yield (
                wrong(name, words + ".", f"Set it to {int(4 * seconds) + 30} or more.") if is_short else ok(name, words)
            )
            return
        time.sleep(LOOK_SECONDS)
    fix = f"Set JIRA_INDEX_LAG_SECONDS to {4 * LONGEST_LAG_SECONDS} or more, and see that labels are on the create screen."
    yield wrong(name, f"No search found the new issue within {LONGEST_LAG_SECONDS} s.", fix)
