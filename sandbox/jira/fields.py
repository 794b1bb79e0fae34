"""What a client may write into an issue: the fields of a screen checked, and turned into columns of the store."""

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from . import custom
from . import site as setup
from .calls import Call, RefusedError, may
from .prose import check_body_text
from .site import Project
from .store import Row

SUMMARY_LIMIT = 255
LABEL_LIMIT = 255
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")

Columns = dict[str, Any]
Errors = dict[str, str]


def settable(call: Call, project: Project) -> set[str]:
    """The fields on a project's screens, as the caller sees them."""
    levels = set() if project.levels and may(call, project, "SET_ISSUE_SECURITY") else {"security"}
    components = set() if project.components else {"components"}
    names = set(setup.SYSTEM_FIELDS) | {f.id for f in project.custom_fields}
    return names - project.off_screen - levels - components


def refuse_unsettable(names: Iterable[str], on_screen: Container[str]) -> None:
    """Refuse fields that are not on a screen, all in one answer."""
    errors = {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in names
        if name not in on_screen
    }
    if errors:
        raise RefusedError(400, errors=errors)


def columns_of(
    call: Call, project: Project, fields: Mapping[str, Any], *, issue: Row | None = None
) -> tuple[Columns, list[str] | None]:
    """Check fields and turn them into columns; labels apart, ``None`` where they are not among the fields.

    ``issue`` is the one that is edited, if there is one. Project and type are left to the caller. Everything that is
    wrong is refused in one answer, as Jira does.
    """
    columns: Columns = {}
    errors: Errors = {}
    labels: list[str] | None = None
    extra = json.loads(issue["custom"]) if issue else {}
    kinds = {field.id: field for field in project.custom_fields}
    for name, value in fields.items():
        try:
            if name == "labels":
                labels = check_labels(value)
            elif name in CHECKS:
                columns.update(CHECKS[name](call, project, value))
            elif name in kinds:
                extra[name] = custom.check(call, kinds[name], value)
        except RefusedError as refusal:
            errors.update(refusal.errors)
    errors.update({f.id: f"{f.name} is required." for f in _missing(project, extra)})
    if issue is None:
        # A field that is there and wrong has its own sentence already.
        errors = {**_required(project, {**fields, "labels": labels}), **errors}
    if errors:
        raise RefusedError(400, errors=errors)
    return {**columns, "custom": json.dumps(extra)}, labels


def _missing(project: Project, extra: Mapping[str, Any]) -> list[setup.CustomField]:
    required = [f for f in project.custom_fields if f.required and f.id not in project.off_screen]
    return [f for f in required if extra.get(f.id) in (None, "", [])]


def _required(project: Project, fields: Mapping[str, Any]) -> Errors:
    names = sorted(project.required - project.off_screen)
    return {
        name: f"{setup.SYSTEM_FIELDS[name][0]} is required." for name in names if fields.get(name) in (None, "", [])
    }


def _summary(_call: Call, _project: Project, value: Any) -> Columns:
    if not isinstance(value, str) or not value.strip():
        raise RefusedError(400, errors={"summary": "You must specify a summary of the issue."})
    if len(value) > SUMMARY_LIMIT:
        raise RefusedError(400, errors={"summary": f"Summary can't exceed {SUMMARY_LIMIT} characters."})
    if "\n" in value or "\r" in value:
        raise RefusedError(400, errors={"summary": "The summary is invalid because it contains newline characters."})
    return {"summary": value.strip()}


def _description(call: Call, _project: Project, value: Any) -> Columns:
    if value is None or (value == "" and call.version != "3"):
        return {"description": None, "description_text": ""}
    return {"description_text": check_body_text(call, "description", value), "description": json.dumps(value)}


def _priority(_call: Call, _project: Project, value: Any) -> Columns:
    found = find_named(setup.PRIORITIES, value)
    if found is None:
        raise RefusedError(400, errors={"priority": "The priority selected is invalid."})
    return {"priority": found.id}


def _assignee(call: Call, _project: Project, value: Any) -> Columns:
    if value is None:
        return {"assignee": None}
    wanted = value.get("name" if call.site.profile == "dc" else "accountId") if isinstance(value, dict) else None
    person = call.site.person(wanted)
    if wanted is not None and person is None:
        text = (
            f"User '{wanted}' does not exist."
            if call.site.profile == "dc"
            else "User does not exist or you do not have permission."
        )
        raise RefusedError(400, errors={"assignee": text})
    if person is not None and not person.active:
        raise RefusedError(400, errors={"assignee": f"User '{person.id}' cannot be assigned issues."})
    return {"assignee": person.id if person else None}


def _duedate(_call: Call, _project: Project, value: Any) -> Columns:
    if value is not None and not DATE.match(str(value)):
        raise RefusedError(400, errors={"duedate": "Error parsing date string: " + str(value)})
    return {"duedate": value}


def _components(_call: Call, project: Project, value: Any) -> Columns:
    if not isinstance(value or [], list):
        raise RefusedError(400, errors={"components": "data was not an array"})
    ids = []
    for told in value or []:
        found = find_named(project.components, told)
        if found is None:
            name = told.get("name") or told.get("id") if isinstance(told, dict) else told
            raise RefusedError(400, errors={"components": f"Component name '{name}' is not valid"})
        ids.append(found.id)
    return {"components": json.dumps(sorted(set(ids)))}


def _security(call: Call, project: Project, value: Any) -> Columns:
    if value is None:
        return {"security": None}
    found = find_named(project.levels, value)
    if found is None or found.id in call.site.hidden_levels(call.caller):
        raise RefusedError(400, errors={"security": "The security level selected is invalid."})
    return {"security": found.id}


CHECKS: dict[str, Callable[[Call, Project, Any], Columns]] = {
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "assignee": _assignee,
    "duedate": _duedate,
    "components": _components,
    "security": _security,
}


def check_labels(value: Any) -> list[str]:
    """The labels of an issue: a list of words without spaces."""
    labels = value or []
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise RefusedError(400, errors={"labels": "Operation value must be an array of strings"})
    for label in labels:
        if re.search(r"\s", label):
            raise RefusedError(400, errors={"labels": f"The label '{label}' contains spaces which is invalid."})
        if len(label) > LABEL_LIMIT:
            raise RefusedError(
                400,
                errors={
                    "labels": f"The label '{label}' exceeds the maximum length for a single label ({LABEL_LIMIT})."
                },
            )
    return labels


def find_named(things: Sequence[setup.Named], value: Any) -> setup.Named | None:
    """The thing that ``{"id": …}`` or ``{"name": …}`` means, if there is one."""
    if not isinstance(value, dict):
        return None
    return next((t for t in things if str(value.get("id", "")) == t.id or value.get("name") == t.name), None)
