"""One apply of files: what it finds wrong in them, and what it changes here, each thing once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from core import activity, clock
from core.models import Person
from monitors import code, exclusions
from monitors.code import Document, LeftOut, ListTold, MonitorTold
from monitors.errors import DefinitionError
from monitors.models import Exclusion, Monitor, MonitorRevision, NamedList, find_detection
from monitors.services import exclusions as leaving_out
from monitors.services import revisions
from monitors.services.lists import place_of


@dataclass(frozen=True)
class Changed:
    """One monitor, list or shared exclusion that is made, changed or taken away, and what of it differs, in words."""

    what: str
    lines: tuple[revisions.Change, ...] = ()


@dataclass
class Outcome:
    """
    What files change. `monitors` are those that the files tell or touch, `gone` those to delete with `push.remove`.

    `only_here` says in words what is here and in no file, `notes` what else is worth knowing.
    """

    changes: list[Changed] = field(default_factory=list)
    only_here: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)
    gone: list[Monitor] = field(default_factory=list)


@dataclass
class Work:
    """One apply: what it found wrong so far, and what it changed."""

    by: Person | str
    reason: str
    problems: list[str] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    lists_told: set[str] = field(default_factory=set)
    touched: set[Monitor] = field(default_factory=set)

    def refuse_twice(self, told: Iterable[tuple[Document, MonitorTold]]) -> None:
        """Note names and uuids that two files claim."""
        for key in ("uuid", "name"):
            seen: dict[str, str] = {}
            for document, one in told:
                value = getattr(one, key)
                if value and value in seen:
                    self.problems.append(f"{document.at(key)}: {seen[value]} has the {key} {value} too.")
                seen.setdefault(value, document.name)

    def keep_list(self, document: Document, told: ListTold) -> None:
        """Make a list what the file says."""
        self.lists_told.add(told.name)
        values = []
        for place, value in enumerate(told.values):
            try:
                values.append(exclusions.check(told.kind, value))
            except DefinitionError as error:
                self.problems.append(f"{document.at(told.name, 'values', place)}: {error}")
        row = NamedList.objects.filter(name=told.name).first()
        was = (row.kind, row.description, row.values) if row else None
        now = (told.kind, told.description, list(dict.fromkeys(values)))
        if told.kind not in exclusions.KINDS:
            self.problems.append(
                f"{document.at(told.name, 'kind')}: a list holds one of {', '.join(exclusions.KINDS)}."
            )
        if was == now or self.problems:
            return
        row = row or NamedList(name=told.name)
        row.kind, row.description, row.values = now
        try:
            row.full_clean(exclude=["values"])  # an empty list is a list
        except ValidationError as error:
            self.problems.append(f"{document.at(told.name)}: {' '.join(error.messages)}")
            return
        row.save()
        for one in leaving_out.naming(row.name):
            self.touched |= leaving_out.touched(one)
        before = set(was[2]) if was else set()
        added, removed = len(set(values) - before), len(before - set(values))
        activity.record(
            "list.saved", row, by=self.by, reason=self.reason, added=added, removed=removed, values=len(row.values)
        )
        size = revisions.Change(
            "Values", str(len(before)) if was else "", f"{len(row.values)} ({added} added, {removed} removed)"
        )
        self.outcome.changes.append(Changed(f"list {told.name}{'' if was else ' (new)'}", (size,)))

    def find(self, document: Document, told: MonitorTold, claimed: set[str]) -> Monitor | None:
        """
        Return the row of a monitor: by its uuid, else by its name; unsaved for a new one; None where it cannot be.

        `claimed` are the uuids that files name: whoever has one is not found by a name that it may be about to give up.
        """
        if told.uuid:
            found = Monitor.objects.filter(pk=told.uuid).first()
        else:
            found = Monitor.objects.filter(name=told.name).exclude(pk__in=claimed).first()
        if found is None and told.imported:
            self.problems.append(
                f"{document.at('uuid')}: an imported monitor is imported from OpenSearch first; files cannot make it."
            )
            return None
        if found is not None and found.detection != told.detection:
            self.problems.append(
                f"{document.at('detection')}: {found} is a monitor of {found.detection or 'somebody else'}, and stays one; "
                "without its uuid and with another name this file makes a new one."
            )
            return None
        if found is None:
            try:
                definition = find_detection(told.detection)
            except DefinitionError as error:
                self.problems.append(f"{document.at('detection')}: {error}")
                return None
            found = Monitor(detection=told.detection, severity=definition.severity)
            if told.uuid:
                found.uuid = found._meta.pk.to_python(told.uuid)
        return found

    def settings(self, document: Document, told: MonitorTold, monitor: Monitor) -> None:
        """Put what the file says into the row, unsaved; note parameters that cannot be."""
        try:
            definition = monitor.definition()
        except DefinitionError as error:
            self.problems.append(f"{document.at('detection')}: {error}")
            return
        for name, value in told.params.items():
            parameter = definition.parameters.get(name)
            try:
                if parameter is None:
                    known = ", ".join(definition.parameters) or "none"
                    raise DefinitionError(f"{definition.title} has no parameter {name}; there is {known}.")
                parameter.check(value)
            except DefinitionError as error:
                self.problems.append(f"{document.at('params', name)}: {error}")
        defaults: Mapping[str, Any] = {
            "index_pattern": settings.OKTADETECT_INDEX_PATTERN,
            "severity": definition.severity,
            "interval_seconds": Monitor._meta.get_field("interval_seconds").default,
            "ticket_policy": Monitor.Policy.OWN,
        }
        for name, default in defaults.items():
            value = getattr(told, name)
            setattr(monitor, name, default if value is None else value)
        monitor.name, monitor.enabled, monitor.params = told.name, told.enabled, dict(told.params)

    def make_room_for_names(self, monitors: Iterable[Monitor | None]) -> None:
        """Let two monitors swap their names: whatever is renamed has none of its own until it is saved."""
        for monitor in monitors:
            if monitor is not None:
                Monitor.objects.filter(pk=monitor.pk).exclude(name=monitor.name).update(name=str(monitor.pk))

    def save(self, document: Document, told: MonitorTold, monitor: Monitor) -> None:
        """Save a monitor with its own exclusions, as one revision."""
        last = None if monitor._state.adding else monitor.revisions.first()
        try:
            monitor.full_clean()
        except ValidationError as error:
            for name, sentences in error.message_dict.items():
                self.problems.append(f"{document.at(name)}: {' '.join(sentences)}")
            return
        monitor.save()
        self.leave_out(document, told.exclusions, monitor, delete=True)
        if self.problems:
            return
        revision = revisions.save(monitor, by=self.by, reason=self.reason)
        self.note(monitor, last, revision)
        self.outcome.monitors.append(monitor)

    def leave_out(
        self, document: Document | None, told: tuple[LeftOut, ...], monitor: Monitor | None, *, delete: bool
    ) -> list[Exclusion]:
        """Make exclusions what the file says: those of a monitor, or the shared ones. Return what is here and not told, unless deleted."""
        rows = in_force(monitor)
        path = ("exclusions",) if monitor else ()
        for place, one in enumerate(told):
            assert document is not None  # noqa: S101 - it told them
            if one.until and one.until <= clock.now():
                self.outcome.notes.append(
                    f"{document.at(*path, place, 'until')}: this exclusion has ended, and is passed over."
                )
                continue
            row = _match(rows, one)
            if row is not None:
                rows.remove(row)
            self._exclusion(document, (*path, place), one, row or Exclusion(monitor=monitor))
        if not delete:
            return rows
        for row in rows:
            activity.record("exclusion.deleted", row, by=self.by, reason=row.reason, conditions=row.conditions)
            if monitor is None:
                self.touched |= leaving_out.touched(row)
                self.outcome.changes.append(_taken_away(row))
            row.delete()
        return []

    def _exclusion(self, document: Document, path: tuple[Any, ...], told: LeftOut, row: Exclusion) -> None:
        was = left_out(row) if row.pk else None
        owner = row.owner
        if told.owner:
            user = get_user_model().objects.filter(username=told.owner).first()
            if user is None:
                self.problems.append(f"{document.at(*path, 'owner')}: there is no user {told.owner}.")
                return
            owner = activity.person_of(user)
        conditions = [dict(one) for one in told.conditions]
        if (row.conditions, row.reason, row.expires_at, row.detection, row.owner) == (
            conditions, told.reason, told.until, told.detection, owner,
        ):  # fmt: skip
            return
        row.conditions, row.reason, row.expires_at = conditions, told.reason, told.until
        row.detection, row.owner = told.detection, owner
        try:
            if told.detection:
                find_detection(told.detection)
            row.full_clean(exclude=["owner"])
        except (DefinitionError, ValidationError) as error:
            sentence = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            self.problems.append(f"{document.at(*path)}: {sentence}")
            return
        row.save()
        activity.record("exclusion.saved", row, by=self.by, reason=row.reason, conditions=row.conditions)
        if row.monitor is None:
            self.touched |= leaving_out.touched(row)
            old = exclusions.in_words(was.conditions) if was else ""
            line = revisions.Change("Leaves out", old, f"{exclusions.in_words(row.conditions)} ({row.reason})")
            self.outcome.changes.append(Changed(f"exclusion for {place_of(row)}", (line,)))

    def spare(self, lost: list[Exclusion], documents: Mapping[str, Document], *, prune: bool, delete: bool) -> None:
        """Say what is here and in no file, or pause and delete it."""
        told = {monitor.pk for monitor in self.outcome.monitors}
        for monitor in Monitor.objects.exclude(pk__in=told):
            if not prune:
                self.outcome.only_here.append(f"monitor {monitor}")
            elif delete:
                self.outcome.gone.append(monitor)
                self.outcome.changes.append(Changed(f"monitor {monitor}: deleted, here and in OpenSearch"))
            elif monitor.enabled:
                last, monitor.enabled = monitor.revisions.first(), False
                self.note(monitor, last, revisions.save(monitor, by=self.by, reason=self.reason))
                self.outcome.monitors.append(monitor)
        self.outcome.only_here += [f"exclusion for {place_of(row)}: {row.reason}" for row in lost]
        for row in NamedList.objects.exclude(name__in=self.lists_told).order_by("name"):
            if prune and code.LISTS in documents and not leaving_out.naming(row.name):
                activity.record("list.deleted", row, by=self.by, name=row.name, values=len(row.values))
                self.outcome.changes.append(Changed(f"list {row.name}: deleted"))
                row.delete()
            else:
                self.outcome.only_here.append(f"list {row.name}")

    def revise_others(self) -> None:
        """Revise the monitors that no file tells and that a list or a shared exclusion changed."""
        others = self.touched - set(self.outcome.monitors) - set(self.outcome.gone)
        for monitor in sorted(others, key=lambda one: one.pk):
            last = monitor.revisions.first()
            if last is not None:  # one that was never saved has nothing to revise
                self.note(monitor, last, revisions.revise(monitor, by=self.by, reason=self.reason))
                self.outcome.monitors.append(monitor)

    def note(self, monitor: Monitor, last: MonitorRevision | None, revision: MonitorRevision) -> None:
        """Tell a revision, if it is a new one."""
        if last is not None and last.pk == revision.pk:
            return
        lines = revisions.changes_between(monitor, last, revision)
        self.outcome.changes.append(Changed(f"monitor {monitor}{'' if last else ' (new)'}", tuple(lines)))


def left_out(row: Exclusion) -> LeftOut:
    """Return an exclusion as a file tells it."""
    user = row.owner.user if row.owner else None
    return LeftOut(
        row.reason, tuple(row.conditions), user.get_username() if user else "", row.expires_at, row.detection
    )


def in_force(monitor: Monitor | None) -> list[Exclusion]:
    """Return the exclusions of a monitor, or those that several share, without those that have ended."""
    rows = Exclusion.objects.filter(monitor=monitor).exclude(expires_at__lte=clock.now())
    return list(rows.select_related("owner__user", "monitor").order_by("pk"))


def _match(rows: list[Exclusion], told: LeftOut) -> Exclusion | None:
    """Return the row that a file tells: the one that says the same, else the one with its reason, else the one with its conditions."""
    conditions = [dict(one) for one in told.conditions]
    mine = [row for row in rows if row.detection == told.detection]
    alike = [row for row in mine if row.reason == told.reason or row.conditions == conditions]
    alike.sort(key=lambda row: (row.reason != told.reason) + (row.conditions != conditions))
    return alike[0] if alike else None


def _taken_away(row: Exclusion) -> Changed:
    line = revisions.Change("Leaves out", f"{exclusions.in_words(row.conditions)} ({row.reason})", "")
    return Changed(f"exclusion for {place_of(row)}", (line,))
