"""What can be created and edited: the fields of a project's screens, and what may be put into them."""

from typing import Any

from . import fields, parts
from . import site as setup
from .calls import Answer, Call, RefusedError, access_issue, issue_project, may, route
from .site import Project


def schema(kind: str, items: str | None, system: str) -> dict[str, Any]:
    """How a field is typed."""
    return {"type": kind, "system": system} | ({"items": items} if items else {})


def _allowed(call: Call, project: Project) -> dict[str, list[Any]]:
    hidden = call.site.hidden_levels(call.caller)
    return {
        "project": [parts.project(call, project)],
        "issuetype": [parts.issue_type(call, name) for name in project.issue_types],
        "priority": [parts.priority(call, p.id) for p in setup.PRIORITIES],
        "components": [parts.component(call, c) for c in project.components],
        "security": [parts.security_level(call, level) for level in project.levels if level.id not in hidden],
        "resolution": [parts.resolution(call, r.id) for r in setup.RESOLUTIONS],
    }


def _field(call: Call, project: Project, name: str, *, is_required: bool) -> dict[str, Any]:
    """A field of the system on a screen."""
    title, kind, items = (setup.SYSTEM_FIELDS | setup.READ_ONLY_FIELDS)[name]
    entry: dict[str, Any] = {
        "required": is_required,
        "schema": schema(kind, items, name),
        "name": title,
        "key": name,
        "hasDefaultValue": name == "priority",
        "operations": ["add", "set", "remove"] if items else ["set"],
    }
    allowed = _allowed(call, project)
    if name in allowed:
        entry["allowedValues"] = allowed[name]
    if name == "priority":
        entry["defaultValue"] = parts.priority(call, setup.DEFAULT_PRIORITY)
    return entry


def custom_field(call: Call, field: setup.CustomField) -> dict[str, Any]:
    """A custom field on a screen."""
    kind, items, name = setup.CUSTOM_KINDS[field.kind]
    custom = f"com.atlassian.jira.plugin.system.customfieldtypes:{name}"
    number = int(field.id.removeprefix("customfield_"))
    entry: dict[str, Any] = {
        "required": field.required,
        "schema": {"type": kind, "custom": custom, "customId": number} | ({"items": items} if items else {}),
        "name": field.name,
        "key": field.id,
        "hasDefaultValue": False,
        "operations": ["add", "set", "remove"] if items else ["set"],
    }
    if field.options:
        entry["allowedValues"] = [parts.option(call, field, value) for value in field.options]
    return entry


def _project_fields(call: Call, project: Project) -> list[dict[str, Any]]:
    """The fields on a project's create screen."""
    required = project.required | set(setup.REQUIRED_FIELDS)
    on_screen = fields.settable(call, project)
    system = [
        _field(call, project, name, is_required=name in required) for name in setup.SYSTEM_FIELDS if name in on_screen
    ]
    return system + [custom_field(call, field) for field in project.custom_fields if field.id in on_screen]


def transition_fields(call: Call, project: Project, step: setup.Transition) -> dict[str, Any]:
    """The fields on a transition's screen."""
    custom = {field.id: field for field in project.custom_fields}
    return {
        name: {**custom_field(call, custom[name]), "required": is_required}
        if name in custom
        else _field(call, project, name, is_required=is_required)
        for name, is_required in step.screen or ()
    }


def _page(call: Call, name: str, values: list[dict[str, Any]]) -> Answer:
    """A page of create metadata, which Cloud and Data Center name differently."""
    start, size = call.page(50)
    part = values[start : start + size]
    page: dict[str, Any] = {"startAt": start, "maxResults": size, "total": len(values)}
    if call.site.profile == "dc":
        return Answer(200, {**page, "isLast": start + len(part) >= len(values), "values": part})
    return Answer(200, {**page, name: part})


def _check_creatable(call: Call, id_or_key: str) -> Project:
    project = call.site.project(id_or_key)
    if project is None or not may(call, project, "CREATE_ISSUES"):
        raise RefusedError(
            404, f"Project with id or key '{id_or_key}' does not exist or you cannot create issues in it."
        )
    return project


@route("GET", "/issue/createmeta/{}/issuetypes")
def creatable_types(call: Call, id_or_key: str) -> Answer:
    """The issue types that can be created in a project."""
    project = _check_creatable(call, id_or_key)
    return _page(call, "issueTypes", [parts.issue_type(call, name) for name in project.issue_types])


@route("GET", "/issue/createmeta/{}/issuetypes/{}")
def creatable_fields(call: Call, id_or_key: str, type_id: str) -> Answer:
    """The fields that can be set when such an issue is created."""
    project = _check_creatable(call, id_or_key)
    if type_id not in project.issue_types:
        raise RefusedError(404, f"Issue type with id '{type_id}' does not exist in the project.")
    return _page(call, "fields", [{**entry, "fieldId": entry["key"]} for entry in _project_fields(call, project)])


@route("GET", "/issue/createmeta")
def creatable(call: Call) -> Answer:
    """The same for all projects at once; gone from Data Center since 9."""
    if call.site.profile == "dc":
        raise RefusedError(404, "Issue Does Not Exist")  # "createmeta" is taken for a key
    wanted = call.many("projectKeys")
    found = []
    for project in call.site.projects:
        if not may(call, project, "CREATE_ISSUES") or (wanted and project.key not in wanted):
            continue
        types = [parts.issue_type(call, name) for name in project.issue_types]
        if "projects.issuetypes.fields" in call.many("expand"):
            metadata = {entry["key"]: entry for entry in _project_fields(call, project)}
            types = [{**t, "expand": "fields", "fields": metadata} for t in types]
        short = {n: v for n, v in parts.project(call, project).items() if n in {"self", "id", "key", "name"}}
        found.append({**short, "issuetypes": types})
    return Answer(200, {"expand": "projects", "projects": found})


@route("GET", "/issue/{}/editmeta")
def editable_fields(call: Call, id_or_key: str) -> Answer:
    """The fields of an issue that can be edited."""
    issue = access_issue(call, id_or_key)
    project = issue_project(call, issue)
    entries = {entry["key"]: entry for entry in _project_fields(call, project) if entry["key"] != "project"}
    return Answer(200, {"fields": entries})
