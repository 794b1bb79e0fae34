"""Lists that several exclusions share: read from what was pasted or uploaded, and saved with a revision of every monitor that uses them."""

import csv
import io
from dataclasses import dataclass

from django.db import transaction

from core import activity
from core.models import Person
from monitors import exclusions
from monitors.errors import DefinitionError, MonitorsError
from monitors.models import Exclusion, MonitorRevision, NamedList
from monitors.services import exclusions as leaving_out

MAX_VALUES = 50_000  # a terms query takes 65,536
MAX_LENGTH = 500


class ListInUse(MonitorsError):
    """A list cannot go while exclusions name it; `str()` says which."""

    code = "list_in_use"


@dataclass(frozen=True)
class Read:
    """What was read of a text: the values in order, how many came twice, and the lines that are none with the reason."""

    values: tuple[str, ...]
    duplicates: int
    refused: tuple[str, ...]


def read(text: str, kind: str, *, column: str = "") -> Read:
    """
    Return the values of a text, one a line, or of one column of a CSV file: its heading, or its number from 1.

    Raises DefinitionError when there is no such column, or when there are too many values.
    """
    lines = _column(text, column) if column else list(enumerate(text.splitlines(), start=1))
    values: dict[str, None] = {}
    refused: list[str] = []
    duplicates = 0
    for number, line in lines:
        value = line.strip().lstrip("\ufeff")
        if not value:
            continue
        try:
            if len(value) > MAX_LENGTH:
                raise DefinitionError(f"It is longer than {MAX_LENGTH} characters.")
            checked = exclusions.check(kind, value)
        except DefinitionError as error:
            refused.append(f"Line {number}: {str(error)[:200]}")
            continue
        duplicates += checked in values
        values[checked] = None
    if len(values) > MAX_VALUES:
        raise DefinitionError(f"These are {len(values)} values; a list holds {MAX_VALUES}.")
    return Read(tuple(values), duplicates, tuple(refused))


@transaction.atomic
def save(row: NamedList, *, by: Person | str, reason: str = "") -> list[MonitorRevision]:
    """Save it and revise the monitors whose exclusions name it. Raises ValidationError."""
    before = NamedList.objects.filter(pk=row.pk).first() if row.pk else None
    row.full_clean(exclude=["values"])  # an empty list is a list
    row.save()
    was, now = set(before.values if before else ()), set(row.values)
    activity.record(
        "list.saved", row, by=by, reason=reason, added=len(now - was), removed=len(was - now), values=len(now)
    )
    told = f"List {row.name}: {len(now - was)} added, {len(was - now)} removed" + (f" ({reason})" if reason else "")
    return leaving_out.revise_users_of(row.name, by=by, reason=told)


@transaction.atomic
def delete(row: NamedList, *, by: Person | str) -> None:
    """Delete it. Raises ListInUse with the places where it is named."""
    used = leaving_out.naming(row.name)
    if used:
        places = "; ".join(f"“{one.reason}” ({place_of(one)})" for one in used[:5])
        raise ListInUse(
            f"The list {row.name} is used by {len(used)} exclusion{'' if len(used) == 1 else 's'}: {places}."
        )
    activity.record("list.deleted", row, by=by, name=row.name, values=len(row.values))
    row.delete()


def place_of(row: Exclusion) -> str:
    """Return whose an exclusion is, in words."""
    if row.monitor is not None:
        return f"monitor {row.monitor}"
    return f"all monitors of {row.detection}" if row.detection else "all monitors"


def _column(text: str, column: str) -> list[tuple[int, str]]:
    rows = list(csv.reader(io.StringIO(text)))
    if not rows:
        return []
    heading = [cell.strip().lstrip("\ufeff").lower() for cell in rows[0]]
    if column.strip().lower() in heading:
        place, first = heading.index(column.strip().lower()), 1
    elif column.strip().isdecimal() and 1 <= int(column) <= max(map(len, rows)):
        place, first = int(column) - 1, 0
    else:
        raise DefinitionError(f"There is no column {column}. The first line reads: {', '.join(rows[0])[:200]}.")
    return [(number, row[place]) for number, row in enumerate(rows[first:], start=first + 1) if len(row) > place]
