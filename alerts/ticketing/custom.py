"""
Custom fields: from a template's name and text to what Jira takes. Pure.

Create metadata says how each field's value is sent. It is asked once, when a template is saved (`resolve`); a ticket is filled in
from what was kept then (`values`), without asking Jira again.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from alerts.ticketing import templates
from alerts.ticketing.document import Body, data

MAX_TEXT = 255
MAX_AREA = 10_000


def resolve(wanted: Mapping[str, str], metadata: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """
    Return the wanted fields (by name or id) as create metadata knows them, and what is wrong, in sentences.

    `metadata` are fields as `createmeta/{project}/issuetypes/{id}` tells them: `fieldId`, `name`, `schema`, `allowedValues`.
    """
    known = list(metadata)
    resolved, wrong = [], []
    for name, template in wanted.items():
        found = [one for one in known if name in {_id(one), one.get("name")}]
        if len(found) != 1:
            wrong.append(_not_found(name, found))
            continue
        [field] = found
        schema = field.get("schema") or {}
        kind, items = str(schema.get("type", "")), str(schema.get("items", ""))
        if (kind, items) not in SENT and (kind, "") not in SENT:
            wrong.append(f"{name}: a field of type {kind or 'unknown'} {items} cannot be filled in from here.")
            continue
        one = {"id": _id(field), "name": str(field.get("name")), "type": kind, "items": items, "template": template,
               "area": str(schema.get("custom", "")).endswith(":textarea")}  # fmt: skip
        wrong += _allowed(one, field.get("allowedValues"))
        resolved.append(one)
    return resolved, wrong


def values(
    resolved: Iterable[Mapping[str, Any]], told: Mapping[str, Any], said: Callable[[str], Body]
) -> dict[str, Any]:
    """
    Return the fields as Jira takes them. A value that is empty, or no number where one is due, is left out.

    `said` makes long text inert: Jira reads markup in fields of several lines.
    """
    filled = {}
    for one in resolved:
        text = templates.render(str(one["template"]), told).strip()
        send = SENT.get((one["type"], one["items"])) or SENT[one["type"], ""]
        if one.get("area") and text:
            filled[str(one["id"])] = said(text[:MAX_AREA])
            continue
        value = send(text) if text else None
        if value not in (None, []):
            filled[str(one["id"])] = value
    return filled


def _id(field: Mapping[str, Any]) -> str:
    return str(field.get("fieldId") or field.get("key") or "")


def _not_found(name: str, found: list[Any]) -> str:
    if found:
        return f"{name}: {len(found)} fields are called so. Give one by its id: {', '.join(map(_id, found))}."
    return f"{name}: there is no such field on this issue type's create screen. Put it there in Jira, or leave it out."


def _allowed(one: Mapping[str, Any], allowed: Any) -> list[str]:
    """Return what is wrong with a fixed text where Jira takes only some; what an alert fills in cannot be known before."""
    template = str(one["template"])
    if not isinstance(allowed, list) or re.search(r"(?<!\{)\{[^{]", template):
        return []
    names = [str(option.get("value") or option.get("name") or "") for option in allowed if isinstance(option, dict)]
    asked = templates.listed(template) if one["type"] == "array" else [template.strip()]
    missing = [name for name in asked if name not in names]
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return [f"{one['name']}: “{name}” is none of its values ({shown})." for name in missing]


def _text(text: str) -> str:
    return data(text, MAX_TEXT)


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # neither NaN nor infinity compares so


def _date(text: str) -> str | None:
    at = _moment(text)
    return at.date().isoformat() if at else None


def _datetime(text: str) -> str | None:
    at = _moment(text)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000%z") if at and at.tzinfo else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _label_list(text: str) -> list[str]:
    return ["_".join(data(part, MAX_TEXT).split()) for part in templates.listed(text)]


Send = Callable[[str], Any]
SENT: Mapping[tuple[str, str], Send] = {
    ("string", ""): _text,
    ("number", ""): _number,
    ("date", ""): _date,
    ("datetime", ""): _datetime,
    ("option", ""): lambda text: {"value": data(text)},
    ("version", ""): lambda text: {"name": data(text)},
    ("group", ""): lambda text: {"name": data(text)},
    ("array", "string"): _label_list,
    ("array", "option"): lambda text: [{"value": data(part)} for part in templates.listed(text)],
    ("array", "version"): lambda text: [{"name": data(part)} for part in templates.listed(text)],
    ("array", "component"): lambda text: [{"name": data(part)} for part in templates.listed(text)],
}
