"""What a client asks about the site itself: who am I, what can be created here, what is a priority called."""

from typing import Any

from . import parts
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, route
from .site import Project
from .store import now_ms

CLOUD_VERSION = (1001, 0, 0)
DC_VERSION = (9, 12, 15)
PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "ADD_COMMENTS",
    "LINK_ISSUES",
    "TRANSITION_ISSUES",
    "ASSIGN_ISSUES",
    "DELETE_ISSUES",
    "CREATE_ATTACHMENTS",
)


def _access_project(call: Call, id_or_key: str) -> Project:
    found = call.site.project(id_or_key)
    if found is None:
        raise RefusedError(404, f"No project could be found with key '{id_or_key}'.")
    return found


@route("GET", "/serverInfo")
def server_info(call: Call) -> Answer:
    """What kind of Jira this is; told to anyone."""
    is_cloud = call.site.profile == "cloud"
    version = CLOUD_VERSION if is_cloud else DC_VERSION
    return Answer(
        200,
        {
            "baseUrl": call.base_url,
            "version": ".".join(map(str, version)) + ("-SNAPSHOT" if is_cloud else ""),
            "versionNumbers": list(version),
            "deploymentType": "Cloud" if is_cloud else "Server",
            "buildNumber": 100_300,
            "buildDate": "2026-09-01T00:00:00.000+0000",
            "serverTime": parts.timestamp(now_ms()),
            "scmInfo": "0000000000000000000000000000000000000000",
            "serverTitle": "Jira",
        },
    )


@route("GET", "/myself")
def myself(call: Call) -> Answer:
    """The caller: the way to find out whether a token still works."""
    return Answer(200, {**parts.user(call, call.site.caller), "locale": "en_US"})


@route("GET", "/mypermissions")
def my_permissions(call: Call) -> Answer:
    """What the caller may do, in one project if it is named."""
    asked = call.many("permissions") or list(PERMISSIONS)
    unknown = [name for name in asked if name not in PERMISSIONS]
    if unknown:
        raise RefusedError(400, "Unrecognized permission keys: " + ", ".join(unknown))
    key = call.one("projectKey") or call.one("projectId")
    project = _access_project(call, key) if key else None
    may_write = project is None or project.writable
    answers = {
        name: {
            "id": str(PERMISSIONS.index(name) + 10),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "PROJECT",
            "description": "",
            "havePermission": may_write or name == "BROWSE_PROJECTS",
        }
        for name in asked
    }
    return Answer(200, {"permissions": answers})


def _matching_people(call: Call) -> list[dict[str, Any]]:
    wanted = (call.one("query") or call.one("username")).lower()
    people = [p for p in call.site.people if wanted in p.name.lower() or wanted in p.email.lower()]
    return [parts.user(call, person) for person in people]


@route("GET", "/user/search")
def search_people(call: Call) -> Answer:
    """People by part of a name or an address."""
    return Answer(200, _matching_people(call))


@route("GET", "/user/assignable/search")
def search_assignable(call: Call) -> Answer:
    """People who can be assigned: everybody."""
    return Answer(200, _matching_people(call))


# projects


def _project(call: Call, project: Project) -> dict[str, Any]:
    return {
        **parts.project(call, project.key),
        "description": "",
        "lead": parts.user(call, call.site.caller),
        "issueTypes": [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES],
        "style": "classic",
        "isPrivate": False,
    }


@route("GET", "/project")
def projects(call: Call) -> Answer:
    """All projects."""
    return Answer(200, [parts.project(call, p.key) for p in call.site.projects])


@route("GET", "/project/search")
def search_projects(call: Call) -> Answer:
    """Projects, a page at a time (there is only one page)."""
    wanted = call.one("query").lower()
    found = [_project(call, p) for p in call.site.projects if wanted in p.name.lower() or wanted in p.key.lower()]
    page = {"startAt": 0, "maxResults": 50, "total": len(found), "isLast": True, "values": found}
    return Answer(200, {"self": f"{call.api_url}/project/search", **page})


@route("GET", "/project/{}")
def read_project(call: Call, id_or_key: str) -> Answer:
    """One project with its issue types."""
    return Answer(200, _project(call, _access_project(call, id_or_key)))


@route("GET", "/project/{}/statuses")
def project_statuses(call: Call, id_or_key: str) -> Answer:
    """The statuses that each issue type can have in a project."""
    _access_project(call, id_or_key)
    statuses = [parts.status(call, s.id) for s in setup.STATUSES]
    types = [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES]
    return Answer(200, [{n: t[n] for n in ("self", "id", "name", "subtask")} | {"statuses": statuses} for t in types])


# what can be created, and edited


def _schema(kind: str, items: str | None, system: str) -> dict[str, Any]:
    return {"type": kind, "system": system} | ({"items": items} if items else {})


def _field_metadata(call: Call, project: Project) -> list[dict[str, Any]]:
    """The fields on a project's create screen, with what may be put into them."""
    allowed: dict[str, list[Any]] = {
        "project": [parts.project(call, project.key)],
        "issuetype": [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES],
        "priority": [parts.priority(call, p.id) for p in setup.PRIORITIES],
    }
    found = []
    for name, (title, kind, items) in setup.SYSTEM_FIELDS.items():
        if name in project.off_screen:
            continue
        entry: dict[str, Any] = {
            "required": name in setup.REQUIRED_FIELDS,
            "schema": _schema(kind, items, name),
            "name": title,
            "key": name,
            "hasDefaultValue": name == "priority",
            "operations": ["add", "set", "remove"] if name == "labels" else ["set"],
        }
        if name in allowed:
            entry["allowedValues"] = allowed[name]
        if name == "priority":
            entry["defaultValue"] = parts.priority(call, setup.DEFAULT_PRIORITY)
        found.append(entry)
    return found + [_custom_metadata(field) for field in project.custom_fields if field.id not in project.off_screen]


def _custom_metadata(field: setup.CustomField) -> dict[str, Any]:
    custom = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
    return {
        "required": field.required,
        "schema": {"type": "string", "custom": custom, "customId": int(field.id.removeprefix("customfield_"))},
        "name": field.name,
        "key": field.id,
        "hasDefaultValue": False,
        "operations": ["set"],
    }


def _page(call: Call, name: str, values: list[dict[str, Any]]) -> Answer:
    """A page of create metadata, which Cloud and Data Center name differently."""
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    part = values[start : start + size]
    page: dict[str, Any] = {"startAt": start, "maxResults": size, "total": len(values)}
    if call.site.profile == "dc":
        return Answer(200, {**page, "isLast": start + len(part) >= len(values), "values": part})
    return Answer(200, {**page, name: part})


def _check_creatable(call: Call, id_or_key: str) -> Project:
    project = call.site.project(id_or_key)
    if project is None or not project.writable:
        raise RefusedError(
            404, f"Project with id or key '{id_or_key}' does not exist or you cannot create issues in it."
        )
    return project


@route("GET", "/issue/createmeta/{}/issuetypes")
def creatable_types(call: Call, id_or_key: str) -> Answer:
    """The issue types that can be created in a project."""
    _check_creatable(call, id_or_key)
    return _page(call, "issueTypes", [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES])


@route("GET", "/issue/createmeta/{}/issuetypes/{}")
def creatable_fields(call: Call, id_or_key: str, type_id: str) -> Answer:
    """The fields that can be set when such an issue is created."""
    project = _check_creatable(call, id_or_key)
    if type_id not in {t.id for t in setup.ISSUE_TYPES}:
        raise RefusedError(404, f"Issue type with id '{type_id}' does not exist in the project.")
    return _page(call, "fields", [{**entry, "fieldId": entry["key"]} for entry in _field_metadata(call, project)])


@route("GET", "/issue/createmeta")
def creatable(call: Call) -> Answer:
    """The same for all projects at once; gone from Data Center since 9."""
    if call.site.profile == "dc":
        raise RefusedError(404, "Issue Does Not Exist")  # "createmeta" is taken for a key
    wanted = call.many("projectKeys")
    found = []
    for project in call.site.projects:
        if not project.writable or (wanted and project.key not in wanted):
            continue
        types = [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES]
        if "projects.issuetypes.fields" in call.many("expand"):
            metadata = {entry["key"]: entry for entry in _field_metadata(call, project)}
            types = [{**t, "expand": "fields", "fields": metadata} for t in types]
        short = {n: v for n, v in parts.project(call, project.key).items() if n in {"self", "id", "key", "name"}}
        found.append({**short, "issuetypes": types})
    return Answer(200, {"expand": "projects", "projects": found})


@route("GET", "/issue/{}/editmeta")
def editable_fields(call: Call, id_or_key: str) -> Answer:
    """The fields of an issue that can be edited."""
    issue = access_issue(call, id_or_key)
    project = _access_project(call, issue["project"])
    entries = {entry["key"]: entry for entry in _field_metadata(call, project) if entry["key"] != "project"}
    return Answer(200, {"fields": entries})


# lists


@route("GET", "/field")
def all_fields(call: Call) -> Answer:
    """Every field there is, on a screen or not."""
    system = {**setup.SYSTEM_FIELDS, **setup.READ_ONLY_FIELDS}
    found = [
        {
            "id": name,
            "key": name,
            "name": title,
            "custom": False,
            "orderable": name in setup.SYSTEM_FIELDS,
            "navigable": True,
            "searchable": True,
            "clauseNames": [name],
            "schema": _schema(kind, items, name),
        }
        for name, (title, kind, items) in system.items()
    ]
    for field in {f.id: f for p in call.site.projects for f in p.custom_fields}.values():
        number = field.id.removeprefix("customfield_")
        metadata = _custom_metadata(field)
        found.append(
            {
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "custom": True,
                "orderable": True,
                "navigable": True,
                "searchable": True,
                "clauseNames": [f"cf[{number}]", field.name],
                "schema": metadata["schema"],
            }
        )
    return Answer(200, found)


@route("GET", "/issuetype")
def issue_types(call: Call) -> Answer:
    """All issue types."""
    return Answer(200, [parts.issue_type(call, t.id) for t in setup.ISSUE_TYPES])


@route("GET", "/priority")
def priorities(call: Call) -> Answer:
    """All priorities, highest first."""
    return Answer(200, [parts.priority(call, p.id) for p in setup.PRIORITIES])


@route("GET", "/priority/search")
def search_priorities(call: Call) -> Answer:
    """All priorities, as a page, with the default marked."""
    values = [{**parts.priority(call, p.id), "isDefault": p.id == setup.DEFAULT_PRIORITY} for p in setup.PRIORITIES]
    return Answer(200, {"startAt": 0, "maxResults": 50, "total": len(values), "isLast": True, "values": values})


@route("GET", "/status")
def statuses(call: Call) -> Answer:
    """All statuses with their categories."""
    return Answer(200, [parts.status(call, s.id) for s in setup.STATUSES])


@route("GET", "/resolution")
def resolutions(call: Call) -> Answer:
    """All resolutions."""
    return Answer(200, [parts.resolution(call, r.id) for r in setup.RESOLUTIONS])


@route("GET", "/issueLinkType")
def link_types(call: Call) -> Answer:
    """All types of issue link."""
    return Answer(200, {"issueLinkTypes": [parts.link_type(call, t) for t in setup.LINK_TYPES]})
