"""How people, statuses and the like look in an answer."""

from datetime import datetime
from typing import Any

from . import site as setup
from .calls import Call
from .site import Person, Project


def timestamp(call: Call, milliseconds: int) -> str:
    """A time as Jira writes it: in the caller's zone, milliseconds, and an offset without the colon of ISO 8601."""
    moment = datetime.fromtimestamp(milliseconds // 1000, call.conditions.zone)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}" + moment.strftime("%z")


def user(call: Call, person: Person) -> dict[str, Any]:
    """A person: by account id on Cloud, by name and key on Data Center."""
    zone = "Etc/UTC" if call.conditions.time_zone == "UTC" else call.conditions.time_zone
    common = {
        "emailAddress": person.email,
        "displayName": person.name,
        "active": person.active,
        "timeZone": zone,
        "avatarUrls": {"48x48": f"{call.base_url}/images/avatar.png"},
    }
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
    return None if found is None else _named(call, "resolution", found)


def issue_type(call: Call, type_id: str) -> dict[str, Any]:
    """An issue type."""
    found = next(t for t in setup.ISSUE_TYPES if t.id == type_id)
    return {
        **_named(call, "issuetype", found),
        "iconUrl": f"{call.base_url}/images/icons/issuetypes/{found.name.lower()}.svg",
        "subtask": False,
        "avatarId": 10300,
    }


def component(call: Call, found: setup.Named) -> dict[str, Any]:
    """A component of a project."""
    return {name: value for name, value in _named(call, "component", found).items() if name != "description"}


def security_level(call: Call, found: setup.Named) -> dict[str, Any]:
    """A security level: who may see an issue."""
    return _named(call, "securitylevel", found)


def _named(call: Call, kind: str, found: setup.Named) -> dict[str, Any]:
    return {
        "self": f"{call.api_url}/{kind}/{found.id}",
        "id": found.id,
        "description": found.description,
        "name": found.name,
    }


def project(call: Call, found: Project) -> dict[str, Any]:
    """A project, as an issue names it."""
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


def option(call: Call, field: setup.CustomField, value: str) -> dict[str, Any]:
    """An option of a custom field."""
    number = field.options.index(value) + 1
    return {"self": f"{call.api_url}/customFieldOption/{number}", "value": value, "id": str(number)}
