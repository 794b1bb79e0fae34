"""
The only user of the package `jira`. No retries and explicit timeouts: what the client would repeat by itself made four tickets.

Every request passes the gate (`alerts.ticketing.gate`), which all workers share. Every failure is one of `alerts.ticketing.errors`.
Each effect carries its operation's id, so that it can be looked for.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import requests
from django.conf import settings
from jira import JIRA, JIRAError

from alerts.ticketing import gate
from alerts.ticketing.document import Body
from alerts.ticketing.errors import JiraBusy, JiraError, JiraLater, JiraRefused, JiraUnknown
from core import clock

OPERATION_PROPERTY = "oktadetect.operation"
ALERT_PROPERTY = "oktadetect.alert"
PAGE = 100
CLOCKS = timedelta(minutes=10)  # that Jira's may differ from ours
LONGEST_RETRY_AFTER = 3600  # seconds
PAUSE = 5  # seconds, for a 429 that names none


@cache
def connection() -> JIRA:
    """Return this process's client. Raises JiraLater when no address is set: what is owed goes out once one is."""
    if not settings.JIRA_URL:
        raise JiraLater("No Jira is set. Give its address in JIRA_URL.", _in(minutes=5))
    auth: dict[str, Any] = {}
    if settings.JIRA_USER:
        auth["basic_auth"] = (settings.JIRA_USER, settings.JIRA_TOKEN)
    elif settings.JIRA_TOKEN:
        auth["token_auth"] = settings.JIRA_TOKEN
    return JIRA(
        server=settings.JIRA_URL,
        options={"verify": settings.JIRA_CA_FILE or True, "rest_api_version": "2"},
        get_server_info=False,
        max_retries=0,
        timeout=(settings.JIRA_CONNECT_TIMEOUT_SECONDS, settings.JIRA_READ_TIMEOUT_SECONDS),
        **auth,
    )


def call(
    method: str, path: str, *, body: Any = None, params: dict[str, Any] | None = None, files: Any = None
) -> dict[str, Any]:
    """
    Send one request to `/rest/api/{JIRA_API_VERSION}/{path}` and return its JSON object (an empty one where there is no body).

    Raises JiraRefused, JiraLater (JiraHeld: the gate is shut) or JiraUnknown. A request that was never sent is JiraLater.
    """
    answer = _asked(method, path, body=body, params=params, files=files)
    if not isinstance(answer, dict):
        raise JiraUnknown("Jira's answer is no JSON object; a proxy or sign-in page may stand before it.")
    return answer


def _asked(method: str, path: str, *, body: Any, params: dict[str, Any] | None, files: Any) -> Any:
    """Send one request through the gate, tell that what became of it, and return what the answer's JSON says."""
    session = connection()._session  # the client's session: authentication, certificates, timeouts
    url = f"{settings.JIRA_URL.rstrip('/')}/rest/api/{settings.JIRA_API_VERSION}/{path}"
    gate.enter()
    try:
        answer = _answer(session, method, url, body, params, files)
    except JiraBusy as error:
        gate.pause(error.not_before or _in(seconds=PAUSE))
        raise
    except JiraError as error:
        if error.is_fault:
            gate.went_wrong(str(error))
        else:
            gate.went_well()
        raise
    gate.went_well()
    return answer


def _answer(session: Any, method: str, url: str, body: Any, params: dict[str, Any] | None, files: Any) -> Any:
    sent: dict[str, Any] = {"json": body, "params": params}
    if files:
        sent = {"files": files, "headers": {"Content-Type": None}}  # requests names a form's type itself
    try:
        response = session.request(method, url, **sent)
    except JIRAError as error:
        raise _typed(error) from None
    except requests.ConnectTimeout:
        raise JiraLater("Jira was not reached in time. Nothing was sent; it is tried again.", is_fault=True) from None
    except requests.ConnectionError as error:
        if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
            raise JiraLater("Jira was not reached. Nothing was sent; it is tried again.", is_fault=True) from None
        if "CERTIFICATE_VERIFY_FAILED" in repr(error):
            words = "Jira's certificate is not trusted. Name its authority in JIRA_CA_FILE."
            raise JiraLater(words, is_fault=True) from None
        raise JiraUnknown("The connection to Jira broke before its answer.") from None
    except requests.RequestException as error:
        raise JiraUnknown(f"Jira's answer did not arrive ({type(error).__name__}).") from None
    if response.status_code == 204 or not response.content:
        return {}
    try:
        return response.json()
    except ValueError:
        raise JiraUnknown("Jira's answer is no JSON; a proxy or sign-in page may stand before it.") from None


def _typed(error: JIRAError) -> JiraError:
    status = error.status_code
    said = _said(error)
    if status == 429 or (status == 503 and _retry_after(error) is not None):
        return JiraBusy(f"Jira is busy ({status}). It is tried again when Jira allows.", _retry_after(error))
    if status == 401:
        words = f"Jira refused the credentials. Check JIRA_USER and JIRA_TOKEN.{said}"
        return JiraLater(words, is_fault=True)
    if status == 403 and not said:  # a page, not Jira's own words
        words = "Jira refused us with a page: it may ask for a CAPTCHA. Sign in once by hand with JIRA_USER."
        return JiraLater(words, is_fault=True)
    if status == 403:
        return JiraLater(f"Jira refused permission.{said}", _in(minutes=5))
    if status == 409:
        return JiraLater(f"Jira is at work on the same issue.{said}")
    if status in {400, 404, 405, 410, 413, 415}:
        return JiraRefused(f"Jira answered {status}.{said}")
    return JiraUnknown(f"Jira answered {status}; whether it acted is not known.")


def _said(error: JIRAError) -> str:
    """Return what Jira says is wrong, with the names of its fields; nothing of headers, and of a body only what its schema names."""
    response = error.response
    try:
        body = response.json() if response is not None else {}
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    messages = [str(message) for message in body.get("errorMessages") or []]
    messages += [f"{field}: {message}" for field, message in (body.get("errors") or {}).items()]
    return f" It says: {'; '.join(messages)[:500]}" if messages else ""


def _retry_after(error: JIRAError) -> datetime | None:
    """Return when Jira allows another try: Retry-After comes in seconds or as a date."""
    value = error.response.headers.get("Retry-After") if error.response is not None else None
    if not value:
        return None
    if value.strip().isdecimal():
        return _in(seconds=min(int(value.strip()[:9]), LONGEST_RETRY_AFTER))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), _in(seconds=LONGEST_RETRY_AFTER))


def _in(**span: float) -> datetime:
    return clock.now() + timedelta(**span)


def create_issue(fields: dict[str, Any], operation_id: str, about: dict[str, Any] | None = None) -> dict[str, str]:
    """Create an issue with the operation's label and property, and what other programs read of it; return {id, key}."""
    properties = [{"key": OPERATION_PROPERTY, "value": {"operation": operation_id}}]
    if about is not None:
        properties.append({"key": ALERT_PROPERTY, "value": about})
    return _issue(call("POST", "issue", body={"fields": fields, "properties": properties}))


def find_by_label(label: str) -> list[dict[str, str]]:
    """
    Return {id, key} of the issues that carry the label, in whatever project they lie by now; none when there surely is none.

    An expired token would find nothing, so who we are is asked first. An answer that lists no issues, and a refusal, say nothing
    about what was created: JiraUnknown.
    """
    who_am_i()
    params = {"jql": f'labels = "{label}"', "fields": "key", "maxResults": 10}
    try:
        try:
            answer = call("GET", "search/jql", params=params)
        except JiraRefused:  # Data Center knows only the old address
            answer = call("GET", "search", params=params)
    except JiraRefused as error:
        raise JiraUnknown(f"Jira would not search for the ticket. {error}") from error
    return [_issue(issue) for issue in _listed(answer, "issues")]


def _issue(answer: Any) -> dict[str, str]:
    if not isinstance(answer, dict) or not answer.get("key") or not answer.get("id"):
        raise JiraUnknown("Jira's answer names no ticket.")
    return {"id": str(answer["id"]), "key": str(answer["key"])}


def _listed(answer: dict[str, Any], name: str) -> list[Any]:
    """Return the list that an answer must hold: one without it is no empty one."""
    found = answer.get(name)
    if not isinstance(found, list):
        raise JiraUnknown(f"Jira's answer lists no {name}.")
    return found


def who_am_i() -> str:
    """Return the name that Jira knows us by. Raises JiraLater when it does not."""
    answer = call("GET", "myself")
    return str(answer.get("displayName") or answer.get("name") or "somebody")


def add_comment(key: str, text: Body, operation_id: str) -> str:
    """Comment on an issue, with the operation as the comment's property; return the comment's id."""
    body = {"body": text, "properties": [{"key": OPERATION_PROPERTY, "value": {"operation": operation_id}}]}
    answer = call("POST", f"issue/{key}/comment", body=body)
    if not answer.get("id"):
        raise JiraUnknown("Jira's answer to the comment names none.")
    return str(answer["id"])


def find_comment(key: str, operation_id: str, *, since: datetime) -> str | None:
    """Return the id of the comment that carries the operation, looking from the newest back to `since`."""
    start = 0
    while True:
        params = {"expand": "properties", "orderBy": "-created", "maxResults": PAGE, "startAt": start}
        answer = call("GET", f"issue/{key}/comment", params=params)
        comments = _listed(answer, "comments")
        for comment in comments:
            for item in comment.get("properties") or []:
                if item.get("key") == OPERATION_PROPERTY and (item.get("value") or {}).get("operation") == operation_id:
                    return str(comment["id"])
        start += len(comments)
        if not comments or start >= int(answer.get("total") or 0) or _all_before(comments, since - CLOCKS):
            return None


def _all_before(comments: list[dict[str, Any]], at: datetime) -> bool:
    """Whether each was written before then: of a Jira that does not sort, the newest may stand on the last page."""
    try:
        written = [datetime.fromisoformat(comment["created"]) for comment in comments]
    except (KeyError, TypeError, ValueError):
        return False
    return max(written) < at and written == sorted(written, reverse=True)


def link_issues(key: str, other: str, kind: str) -> None:
    """Link two issues. Jira answers a repeated link with 201 and does not double it."""
    call(
        "POST", "issueLink", body={"type": {"name": kind}, "inwardIssue": {"key": other}, "outwardIssue": {"key": key}}
    )


def description(key: str) -> Body:
    """Return an issue's description as Jira holds it, in the language of JIRA_API_VERSION; empty where it has none."""
    answer = call("GET", f"issue/{key}", params={"fields": "description"})
    held = answer.get("fields")
    if not isinstance(held, dict):
        raise JiraUnknown("Jira's answer tells no fields of the ticket.")
    described = held.get("description")
    return described if isinstance(described, dict) else str(described or "")


def delete_issue(key: str) -> None:
    """Delete an issue with what hangs on it; one that is gone already is no error."""
    try:
        call("DELETE", f"issue/{key}", params={"deleteSubtasks": "true"})
    except JiraRefused as error:
        if "404" not in str(error):
            raise
    except JiraLater as error:
        if "permission" in str(error):
            raise JiraRefused(
                "Jira does not let us delete it. Allow that in this project, or delete it by hand."
            ) from error
        raise


def update_issue(key: str, fields: dict[str, Any], update: dict[str, Any] | None = None) -> None:
    """Set fields of an issue, and add to or remove from those in `update`; doing it twice is doing it once."""
    body = {"fields": fields, "update": update or {}}
    call("PUT", f"issue/{key}", body={name: value for name, value in body.items() if value})


def attachments(key: str) -> list[str]:
    """Return the names of an issue's files."""
    held = call("GET", f"issue/{key}", params={"fields": "attachment"}).get("fields")
    if not isinstance(held, dict):
        raise JiraUnknown("Jira's answer tells no fields of the ticket.")
    return [str(one.get("filename")) for one in _listed(held, "attachment")]


def attach(key: str, name: str, content: bytes) -> None:
    """Attach a file to an issue. Jira keeps two of one name."""
    if not isinstance(
        _asked("POST", f"issue/{key}/attachments", body=None, params=None, files={"file": (name, content)}), list
    ):
        raise JiraUnknown("Jira's answer names no file.")


def link_remotely(key: str, link: dict[str, Any]) -> None:
    """Link an issue to what lies elsewhere; by its `globalId` the same one twice is one."""
    call("POST", f"issue/{key}/remotelink", body=link)


def set_property(key: str, name: str, value: Any) -> None:
    """Set a property of an issue, which programs read; doing it twice is doing it once."""
    call("PUT", f"issue/{key}/properties/{name}", body=value)


def address(key: str) -> str:
    """Return where people see an issue."""
    return f"{settings.JIRA_URL.rstrip('/')}/browse/{key}"


def issue(key: str) -> dict[str, str]:
    """Return {id, key} of an issue as it is called now. Raises JiraRefused when we see none of this key."""
    return _issue(call("GET", f"issue/{key}", params={"fields": "key"}))
