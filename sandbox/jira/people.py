"""Who is who, and who may do what."""

from typing import Any

from . import parts
from . import site as setup
from .calls import Answer, Call, RefusedError, route
from .metadata import access_project


@route("GET", "/myself")
def myself(call: Call) -> Answer:
    """The caller: the way to find out whether a token still works."""
    return Answer(200, {**parts.user(call, call.caller), "locale": "en_US"})


@route("GET", "/mypermissions")
def my_permissions(call: Call) -> Answer:
    """What the caller may do, in one project if it is named."""
    asked = call.many("permissions") or list(setup.PERMISSIONS)
    unknown = [name for name in asked if name not in setup.PERMISSIONS]
    if unknown:
        raise RefusedError(400, "Unrecognized permission keys: " + ", ".join(unknown))
    key = call.one("projectKey") or call.one("projectId")
    lacking = access_project(call, key).lacking if key and call.caller == call.site.caller else frozenset()
    answers = {
        name: {
            "id": str(setup.PERMISSIONS.index(name) + 10),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "PROJECT",
            "description": "",
            "havePermission": name not in lacking,
        }
        for name in asked
    }
    return Answer(200, {"permissions": answers})


@route("GET", "/user")
def read_person(call: Call) -> Answer:
    """One person, by account id on Cloud and by user name on Data Center."""
    wanted = call.one("username" if call.site.profile == "dc" else "accountId")
    person = call.site.person(wanted)
    if person is None:
        text = f"The user named '{wanted}' does not exist"
        raise RefusedError(404, text if call.site.profile == "dc" else "Specified user does not exist")
    return Answer(200, parts.user(call, person))


def _matching(call: Call, *, assignable: bool) -> list[dict[str, Any]]:
    wanted = (call.one("query") or call.one("username")).lower()
    start, size = call.page(50)
    people = [
        person
        for person in call.site.people
        if (person.active or not assignable) and (wanted in person.name.lower() or wanted in person.email.lower())
    ]
    return [parts.user(call, person) for person in people[start : start + size]]


@route("GET", "/user/search")
def search_people(call: Call) -> Answer:
    """People by part of a name or an address; who has left is told as inactive."""
    return Answer(200, _matching(call, assignable=False))


@route("GET", "/user/assignable/search")
def search_assignable(call: Call) -> Answer:
    """People who can be assigned: everybody who has not left."""
    return Answer(200, _matching(call, assignable=True))
