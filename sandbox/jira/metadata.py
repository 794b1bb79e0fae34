"""What a client asks about the site itself: what it is, its projects, what a priority is called."""

from typing import Any

from . import parts, screens
from . import site as setup
from .calls import Answer, Call, RefusedError, route
from .site import Project
from .store import now_ms

CLOUD_VERSION = (1001, 0, 0)
DC_VERSION = (9, 12, 15)


def access_project(call: Call, id_or_key: str) -> Project:
    """The project with this id or key; refused with 404 when it is not there."""
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
            "serverTime": parts.timestamp(call, now_ms()),
            "scmInfo": "0000000000000000000000000000000000000000",
            "serverTitle": "Jira",
        },
    )


# projects


def _project(call: Call, project: Project) -> dict[str, Any]:
    return {
        **parts.project(call, project),
        "description": "",
        "lead": parts.user(call, call.site.caller),
        "issueTypes": [parts.issue_type(call, name) for name in project.issue_types],
        "components": [parts.component(call, c) for c in project.components],
        "style": "classic",
        "isPrivate": False,
    }


@route("GET", "/project")
def projects(call: Call) -> Answer:
    """All projects."""
    return Answer(200, [parts.project(call, p) for p in call.site.projects])


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
    return Answer(200, _project(call, access_project(call, id_or_key)))


@route("GET", "/project/{}/statuses")
def project_statuses(call: Call, id_or_key: str) -> Answer:
    """The statuses that each issue type can have in a project."""
    project = access_project(call, id_or_key)
    statuses = [parts.status(call, status_id) for status_id in project.workflow.statuses]
    types = [parts.issue_type(call, name) for name in project.issue_types]
    return Answer(200, [{n: t[n] for n in ("self", "id", "name", "subtask")} | {"statuses": statuses} for t in types])


@route("GET", "/project/{}/components")
def project_components(call: Call, id_or_key: str) -> Answer:
    """The components of a project."""
    return Answer(200, [parts.component(call, c) for c in access_project(call, id_or_key).components])


@route("GET", "/project/{}/securitylevel")
def project_levels(call: Call, id_or_key: str) -> Answer:
    """The security levels of a project that the caller may give."""
    project, hidden = access_project(call, id_or_key), call.site.hidden_levels(call.caller)
    levels = [parts.security_level(call, level) for level in project.levels if level.id not in hidden]
    return Answer(200, {"levels": levels})


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
            "schema": screens.schema(kind, items, name),
        }
        for name, (title, kind, items) in system.items()
    ]
    for field in {f.id: f for p in call.site.projects for f in p.custom_fields}.values():
        number = field.id.removeprefix("customfield_")
        metadata = screens.custom_field(call, field)
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
