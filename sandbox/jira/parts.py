"""How people, statuses and other parts of an issue look in an answer."""

from datetime import UTC, datetime
from typing import Any

from . import site as setup
from .calls import Call
from .site import Person


def timestamp(milliseconds: int) -> str:
    """A time as Jira writes it: milliseconds and ``+0000``, without the colon that ISO 8601 would have."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}+0000"


def user(call: Call, person: Person) -> dict[str, Any]:
    """A person: by account id on Cloud, by name and key on Data Center."""
    common = {"emailAddress": person.email, "displayName": person.name, "active": True, "timeZone": "Etc/UTC"}
    if call.site.profile == "dc":
        return {"self": f"{call.api_url}/user?username={person.id}", "name": person.id, "key": person.id, **common}
    return {
        "self": f"{call.api_url}/user?accountId={person.id}",
        "accountId": person.id,
        "accountType": "atlassian",
        **common,
    }


def known_user(call: Call, person_id: str | None) -> dict[str, Any] | None:
    """The person with this id as an answer has it; ``None`` for nobody."""
    person = call.site.person(person_id)
    return user(call, person) if person else None


def status(call: Call, status_id: str) -> dict[str, Any]:
    """A status with its category."""
    found = next(s for s in setup.STATUSES if s.id == status_id)
    number, name, colour = setup.STATUS_CATEGORIES[found.category]
    return {
        "self": f"{call.api_url}/status/{found.id}",
        "description": "",
        "iconUrl": f"{call.base_url}/images/icons/status.png",
        "name": found.name,
        "id": found.id,
        "statusCategory": {
            "self": f"{call.api_url}/statuscategory/{number}",
            "id": number,
            "key": found.category,
            "colorName": colour,
            "name": name,
        },
    }


def priority(call: Call, priority_id: str) -> dict[str, Any]:
    """A priority."""
    found = next(p for p in setup.PRIORITIES if p.id == priority_id)
    return {
        "self": f"{call.api_url}/priority/{found.id}",
        "iconUrl": f"{call.base_url}/images/icons/priorities/{found.name.lower()}.svg",
        "name": found.name,
        "id": found.id,
    }


def resolution(call: Call, resolution_id: str | None) -> dict[str, Any] | None:
    """A resolution; ``None`` for an issue that has none."""
    found = next((r for r in setup.RESOLUTIONS if r.id == resolution_id), None)
    if found is None:
        return None
    return {
        "self": f"{call.api_url}/resolution/{found.id}",
        "id": found.id,
        "description": found.description,
        "name": found.name,
    }


def issue_type(call: Call, type_id: str) -> dict[str, Any]:
    """An issue type."""
    found = next(t for t in setup.ISSUE_TYPES if t.id == type_id)
    return {
        "self": f"{call.api_url}/issuetype/{found.id}",
        "id": found.id,
        "description": found.description,
        "iconUrl": f"{call.base_url}/images/icons/issuetypes/{found.name.lower()}.svg",
        "name": found.name,
        "subtask": False,
        "avatarId": 10300,
    }


def project(call: Call, key: str) -> dict[str, Any]:
    """A project, as an issue names it."""
    found = call.site.project(key)
    assert found is not None  # noqa: S101 - the keys of issues are those of projects
    return {
        "self": f"{call.api_url}/project/{found.id}",
        "id": found.id,
        "key": found.key,
        "name": found.name,
        "projectTypeKey": "software",
        "simplified": False,
    }


def link_type(call: Call, found: setup.LinkType) -> dict[str, Any]:
    """A type of issue link."""
    return {
        "id": found.id,
        "name": found.name,
        "inward": found.inward,
        "outward": found.outward,
        "self": f"{call.api_url}/issueLinkType/{found.id}",
    }
