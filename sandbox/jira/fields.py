"""What a client may write into an issue: the fields of a screen checked, and turned into columns of the store."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import documents, wiki
from . import site as setup
from .calls import Call, RefusedError
from .site import Project

SUMMARY_LIMIT = 255
TEXT_LIMIT = 32_767
LABEL_LIMIT = 255
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
NOT_A_STRING = "Operation value must be a string"

Columns = dict[str, Any]
Errors = dict[str, str]


def check_body_text(call: Call, name: str, value: Any) -> str:
    """The words of a description or a comment; refused unless it is what this version of the API takes."""
    if call.version == "3":
        if not documents.is_document(value):
            raise RefusedError(400, errors={name: NOT_A_DOCUMENT})
    elif not isinstance(value, str):
        raise RefusedError(400, errors={name: NOT_A_STRING})
    text = wiki.to_text(value) if isinstance(value, str) else documents.to_text(value)
    if len(value if isinstance(value, str) else text) > TEXT_LIMIT:
        raise RefusedError(
            400,
            errors={name: f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT:,} characters."},
        )
    return text


def body_for(call: Call, stored: str | None) -> Any:
    """A stored description or comment as this version of the API tells it; ``stored`` is JSON."""
    value = json.loads(stored) if stored else None
    if call.version == "3":
        return documents.from_text(wiki.to_text(value)) if isinstance(value, str) else value
    return documents.to_text(value) if isinstance(value, dict) else value


def settable(project: Project) -> set[str]:
    """The fields on a project's screen."""
    return (set(setup.SYSTEM_FIELDS) | {f.id for f in project.custom_fields}) - project.off_screen


def refuse_unsettable(project: Project, names: Sequence[str]) -> None:
    """Refuse fields that are not on the screen, all in one answer."""
    on_screen = settable(project)
    errors = {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in names
        if name not in on_screen
    }
    if errors:
        raise RefusedError(400, errors=errors)


def columns_of(
    call: Call, project: Project, fields: Mapping[str, Any], *, custom: Mapping[str, Any]
) -> tuple[Columns, list[str] | None]:
    """Check fields and turn them into columns; labels apart, ``None`` where they are not among the fields.

    ``custom`` are the custom fields that the issue already has. Project and type are left to the caller. Everything
    that is wrong is refused in one answer, as Jira does.
    """
    columns: Columns = {}
    errors: Errors = {}
    labels: list[str] | None = None
    extra = dict(custom)
    for name, value in fields.items():
        try:
            if name == "labels":
                labels = check_labels(value)
            elif name in CHECKS:
                columns.update(CHECKS[name](call, value))
            elif name not in setup.SYSTEM_FIELDS:
                extra[name] = value
        except RefusedError as refusal:
            errors.update(refusal.errors)
    missing = [
        f
        for f in project.custom_fields
        if f.required and f.id not in project.off_screen and extra.get(f.id) in (None, "")
    ]
    errors.update({f.id: f"{f.name} is required." for f in missing})
    if errors:
        raise RefusedError(400, errors=errors)
    return {**columns, "custom": json.dumps(extra)}, labels


def _summary(_call: Call, value: Any) -> Columns:
    if not isinstance(value, str) or not value.strip():
        raise RefusedError(400, errors={"summary": "You must specify a summary of the issue."})
    if len(value) > SUMMARY_LIMIT:
        raise RefusedError(400, errors={"summary": f"Summary can't exceed {SUMMARY_LIMIT} characters."})
    if "\n" in value or "\r" in value:
        raise RefusedError(400, errors={"summary": "The summary is invalid because it contains newline characters."})
    return {"summary": value.strip()}


def _description(call: Call, value: Any) -> Columns:
    if value is None or (value == "" and call.version != "3"):
        return {"description": None, "description_text": ""}
    return {"description_text": check_body_text(call, "description", value), "description": json.dumps(value)}


def _priority(_call: Call, value: Any) -> Columns:
    found = find_named(setup.PRIORITIES, value)
    if found is None:
        raise RefusedError(400, errors={"priority": "The priority selected is invalid."})
    return {"priority": found.id}


def _assignee(call: Call, value: Any) -> Columns:
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
    return {"assignee": person.id if person else None}


def _duedate(_call: Call, value: Any) -> Columns:
    if value is not None and not DATE.match(str(value)):
        raise RefusedError(400, errors={"duedate": "Error parsing date string: " + str(value)})
    return {"duedate": value}


CHECKS: dict[str, Callable[[Call, Any], Columns]] = {
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "assignee": _assignee,
    "duedate": _duedate,
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
