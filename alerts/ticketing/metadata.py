"""What Jira lets us create: issue types of a project, and the fields on the screen by which one is created. Read, never kept."""

from collections.abc import Iterator
from typing import Any

from alerts.ticketing import client
from alerts.ticketing.errors import JiraRefused, JiraUnknown

PAGE = 50
MAX_PAGES = 40


def issue_types(project: str) -> list[dict[str, Any]]:
    """Return the issue types ({id, name, …}) that we may create in the project. Raises JiraRefused when there is no such project for us."""
    try:
        return list(_pages(f"issue/createmeta/{project}/issuetypes", "issueTypes"))
    except JiraRefused as error:
        return _of_old(project, error)


def create_fields(project: str, issue_type: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that such an issue may be created with: {fieldId, name, required, hasDefaultValue, schema, allowedValues?}."""
    if isinstance(issue_type.get("fields"), dict):  # the old address told them together
        return [{"fieldId": name, **one} for name, one in issue_type["fields"].items()]
    return [
        {"fieldId": one.get("key"), **one}
        for one in _pages(f"issue/createmeta/{project}/issuetypes/{issue_type['id']}", "fields")
    ]


def _pages(path: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield what all pages hold: under `name` on Cloud, under `values` on Data Center."""
    start = 0
    for _ in range(MAX_PAGES):
        answer = client.call("GET", path, params={"startAt": start, "maxResults": PAGE})
        found = answer.get(name, answer.get("values"))
        if not isinstance(found, list):
            raise JiraUnknown("Jira's answer lists nothing that can be created.")
        yield from found
        start += len(found)
        if not found or answer.get("isLast") or start >= int(answer.get("total") or 0):
            return
    raise JiraUnknown("Jira's create metadata does not come to an end.")


def _of_old(project: str, error: JiraRefused) -> list[dict[str, Any]]:
    """Ask at the address of Jira before 8.4, which tells types and fields at once. Raises `error` where that knows no more."""
    asked = {"projectKeys": project, "expand": "projects.issuetypes.fields"}
    try:
        projects = client.call("GET", "issue/createmeta", params=asked).get("projects")
    except JiraRefused:
        raise error from None
    if not projects:
        raise error
    return list(projects[0].get("issuetypes") or ())
