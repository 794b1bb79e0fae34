"""What the values in JQL mean: names as ids, dates as milliseconds, functions as what they return."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from . import site as setup
from .site import Person, Site
from .store import now_ms

RELATIVE = re.compile(r"^([+-]?)(\d+)([mhdw])$")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
ABSOLUTE = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M")
INSTANT = "\0"  # before the milliseconds that a function returned: no text that was typed begins so


class JqlError(ValueError):
    """The query is not understood; the text says why, as Jira would."""


def call_function(name: str, arguments: Sequence[str], caller: Person | None, zone: ZoneInfo) -> str:
    """What a function returns, to be resolved as a value that was typed. Raises ``JqlError``."""
    lowered = name.lower()
    if lowered == "currentuser" and not arguments and caller:
        return caller.id
    if lowered == "now" and not arguments:
        return f"{INSTANT}{now_ms()}"
    if lowered in {"startofday", "endofday"} and len(arguments) < 2:
        day = datetime.now(zone) + _offset(arguments[0] if arguments else "0d")
        edge = time(0) if lowered == "startofday" else time(23, 59, 59, 999_000)
        return f"{INSTANT}{_milliseconds(datetime.combine(day.date(), edge, zone))}"
    raise JqlError(f"Unable to find JQL function '{name}({', '.join(arguments)})'.")


def _offset(text: str) -> timedelta:
    """``-1d``, ``+2h``, or ``3``-like without a unit refused. Raises ``JqlError``."""
    match = RELATIVE.match(text)
    if match is None:
        raise JqlError(f"Duration for function is invalid: '{text}'.")
    size = timedelta(**{UNITS[match[3]]: int(match[2])})
    return -size if match[1] == "-" else size


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def moment(field: str, text: str, zone: ZoneInfo) -> int:
    """A point in time as JQL writes it (a date, one with minutes in the caller's zone, or ``-90m``), in milliseconds.

    Raises ``JqlError``.
    """
    if text.startswith(INSTANT):
        return int(text.removeprefix(INSTANT))
    if RELATIVE.match(text):
        return now_ms() + int(_offset(text) / timedelta(milliseconds=1))
    for form in ABSOLUTE:
        try:
            return _milliseconds(datetime.strptime(text, form).replace(tzinfo=zone))
        except ValueError:
            continue
    raise JqlError(
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _missing(value: str, field: str) -> JqlError:
    return JqlError(f"The value '{value}' does not exist for the field '{field}'.")


def _by_name(
    field: str, things: tuple[setup.Named, ...] | tuple[setup.Status, ...]
) -> Callable[[Site, list[str]], list[str]]:
    def resolve(_site: Site, values: list[str]) -> list[str]:
        known = {word: thing.id for thing in things for word in (thing.id, thing.name.lower())}
        for value in values:
            if value.lower() not in known:
                raise _missing(value, field)
        return [known[value.lower()] for value in values]

    return resolve


def _projects(site: Site, values: list[str]) -> list[str]:
    keys = []
    for value in values:
        project = site.project(value.upper()) or next(
            (p for p in site.projects if p.name.lower() == value.lower()), None
        )
        if project is None:
            raise _missing(value, "project")
        keys.append(project.key)
    return keys


def _categories(_site: Site, values: list[str]) -> list[str]:
    wanted = set()
    for value in values:
        keys = {
            key
            for key, (number, name, _) in setup.STATUS_CATEGORIES.items()
            if value.lower() in {key, str(number), name.lower()}
        }
        if not keys:
            raise _missing(value, "statusCategory")
        wanted |= keys
    return [status.id for status in setup.STATUSES if status.category in wanted]


def _people(site: Site, values: list[str]) -> list[str]:
    """People by id, or by address; Jira does not mind who is not there."""
    known = {person.email: person.id for person in site.people}
    return [known.get(value, value) for value in values]


def _components(site: Site, values: list[str]) -> list[str]:
    known = {word: c.id for p in site.projects for c in p.components for word in (c.id, c.name.lower())}
    for value in values:
        if value.lower() not in known:
            raise _missing(value, "component")
    return [known[value.lower()] for value in values]


def _as_typed(_site: Site, values: list[str]) -> list[str]:
    return [value.upper() for value in values]


RESOLVERS: dict[str, Callable[[Site, list[str]], list[str]]] = {
    "project": _projects,
    "key": _as_typed,
    "issuekey": _as_typed,
    "issue": _as_typed,
    "id": _as_typed,
    "status": _by_name("status", setup.STATUSES),
    "statuscategory": _categories,
    "issuetype": _by_name("issuetype", setup.ISSUE_TYPES),
    "type": _by_name("type", setup.ISSUE_TYPES),
    "priority": _by_name("priority", setup.PRIORITIES),
    "resolution": _by_name("resolution", setup.RESOLUTIONS),
    "assignee": _people,
    "reporter": _people,
    "creator": _people,
    "component": _components,
    "level": _by_name("level", (setup.TEAM_LEVEL, setup.MANAGEMENT_LEVEL)),
}
