"""
Monitors kept in git: written to files, compared with them, and made to be what they say.

A plan is the very same work as an apply, taken back at its end: what it tells is what an apply does. All of it is one transaction, and
one revision for each monitor that changes. Nothing is deleted or paused that was not asked for by name.
"""

from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from core.models import Person
from monitors import code
from monitors.code import CodeError, Document, ListTold, MonitorTold
from monitors.models import Monitor, NamedList
from monitors.services.applying import Outcome, Work, in_force, left_out


def export(folder: Path) -> list[str]:
    """
    Write every monitor, list and shared exclusion; return the files' names.

    A monitor's file is named after it: one that was renamed leaves its old file, which is deleted. Raises CodeError when a file that is
    there cannot be read, and DefinitionError for a monitor whose detection is no more; then nothing was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    monitors = list(Monitor.objects.order_by("name"))
    ours = {str(monitor.uuid) for monitor in monitors}
    documents = {name: one for name, one in _documents(folder).items() if name not in code.SHARED}
    old = {name for name, document in documents.items() if code.monitor_of(document).uuid in ours}
    written: dict[str, str] = {}
    for monitor in monitors:
        slug = slugify(monitor.name) or "monitor"
        name = f"{slug}.yaml"
        if name in written or name in code.SHARED or name in documents.keys() - old:
            name = f"{slug}-{str(monitor.uuid)[-8:]}.yaml"
        written[name] = code.monitor_text(_told(monitor), monitor.definition())
    lists = [
        ListTold(row.name, row.kind, row.description, tuple(row.values)) for row in NamedList.objects.order_by("name")
    ]
    written[code.LISTS] = code.lists_text(lists)
    written[code.EXCLUSIONS] = code.exclusions_text(left_out(row) for row in in_force(None))
    for name in old - set(written):
        (folder / name).unlink()
    for name, text in written.items():
        (folder / name).write_text(text)
    return sorted(written)


def plan(folder: Path, *, prune: bool = False, delete: bool = False) -> Outcome:
    """Return what `apply` would change, which is nothing yet. Raises CodeError."""
    with transaction.atomic():
        outcome = apply(folder, by="plan", reason="", prune=prune, delete=delete)
        transaction.set_rollback(True)
    return outcome


@transaction.atomic
def apply(folder: Path, *, by: Person | str, reason: str, prune: bool = False, delete: bool = False) -> Outcome:
    """
    Make monitors, lists and exclusions what the files say; applied once more, it changes nothing.

    What is here and in no file is left alone, but with `prune`: then monitors are paused (with `delete`: told in `gone` for `push.remove`),
    lists and shared exclusions deleted. Raises CodeError with everything in the files that cannot be.
    """
    documents = _documents(folder)
    told = [(document, code.monitor_of(document)) for name, document in documents.items() if name not in code.SHARED]
    work = Work(by=by, reason=reason)
    work.refuse_twice(told)
    if code.LISTS in documents:
        for kept in code.lists_of(documents[code.LISTS]):
            work.keep_list(documents[code.LISTS], kept)
    _or_raise(work.problems)
    claimed = {one.uuid for _, one in told if one.uuid}
    rows = {document.name: work.find(document, one, claimed) for document, one in told}
    shared = documents.get(code.EXCLUSIONS)
    lost = work.leave_out(shared, code.exclusions_of(shared) if shared else (), None, delete=prune)
    for document, one in told:
        if monitor := rows[document.name]:
            work.settings(document, one, monitor)
    _or_raise(work.problems)
    work.make_room_for_names(rows[document.name] for document, _ in told)
    for document, one in told:
        if monitor := rows[document.name]:
            work.save(document, one, monitor)
    _or_raise(work.problems)
    work.spare(lost, documents, prune=prune, delete=delete)
    work.revise_others()
    return work.outcome


def _or_raise(problems: list[str]) -> None:
    if problems:
        raise CodeError(problems)


def _documents(folder: Path) -> dict[str, Document]:
    """Return every file of the folder, by its name. Raises CodeError with all that cannot be read."""
    if not folder.is_dir():
        raise CodeError([f"{folder}: there is no such folder."])
    found: dict[str, Document] = {}
    problems: list[str] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            found[path.name] = code.read(path.name, path.read_text())
        except CodeError as error:
            problems += error.problems
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}:1: it cannot be read: {error}")
    _or_raise(problems)
    return found


def _told(monitor: Monitor) -> MonitorTold:
    return MonitorTold(
        uuid=str(monitor.uuid),
        detection=monitor.detection,
        name=monitor.name,
        index_pattern=monitor.index_pattern,
        severity=monitor.severity,
        interval_seconds=monitor.interval_seconds,
        enabled=monitor.enabled,
        ticket_policy=str(monitor.ticket_policy),
        params=monitor.params,
        exclusions=tuple(left_out(row) for row in in_force(monitor)),
        imported=monitor.kept is not None,
    )
