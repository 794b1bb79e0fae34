"""Monitors from the shell: list what is there, add from the catalogue, push, and keep them as files."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import jobs
from monitors import definitions
from monitors.errors import MonitorsError
from monitors.models import BulkPush, Monitor, find_detection
from monitors.services import bulk, code, push, revisions
from monitors.services.applying import Outcome

BY = "command"
APPLY = "apply"
TO_DO = 2  # the exit code of a plan that would change something


class Command(BaseCommand):
    """`monitors list`, `monitors add ID… [--push]`, `monitors push [NAME…]`, `monitors export|plan|apply DIR`."""

    help = "Lists monitors, adds them from the catalogue, pushes them to OpenSearch, and keeps them as files."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="what is there, and how OpenSearch holds it")
        add = verbs.add_parser("add", help="add monitors for detections; one that is there is changed")
        add.add_argument("detections", nargs="+", help='ids of the catalogue, or "all"')
        add.add_argument("--interval", type=int, default=60, help="seconds between two runs")
        add.add_argument("--index", default=settings.OKTADETECT_INDEX_PATTERN, help="index pattern")
        add.add_argument(
            "--param", action="append", default=[], metavar="NAME=JSON", help="a parameter, where the detection has it"
        )
        add.add_argument("--push", action="store_true", help="and push them")
        only = verbs.add_parser("push", help="push monitors as they are saved")
        only.add_argument("names", nargs="*", help="names; none for all")
        only.add_argument(
            "--overwrite", action="store_true", help="also over what somebody changed in OpenSearch since our last push"
        )
        export = verbs.add_parser("export", help="write every monitor, list and shared exclusion to YAML files")
        plan = verbs.add_parser("plan", help="say what apply would change; exits 2 when that is something, else 0")
        apply = verbs.add_parser("apply", help="make monitors, lists and exclusions what the files say")
        for verb in (export, plan, apply):
            verb.add_argument("dir", type=Path, help="the folder of the files")
        for verb in (plan, apply):
            verb.add_argument(
                "--prune", action="store_true",
                help="also pause monitors, and delete lists and shared exclusions, that are here and in no file",
            )  # fmt: skip
            verb.add_argument(
                "--delete", action="store_true", help="with --prune: delete those monitors, here and in OpenSearch"
            )
        apply.add_argument(
            "--reason", default="", help="stands in the history of what changes; the commit, for example"
        )
        apply.add_argument("--push", action="store_true", help="and push what OpenSearch does not hold as it is saved")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says. Exits non-zero when anything failed, after trying the rest."""
        if options["verb"] == "list":
            self._list()
        elif options["verb"] in {"export", "plan", "apply"}:
            self._files(options)
        elif options["verb"] == "add":
            monitors = self._add(options)
            if options["push"]:
                self._push(monitors)
        else:
            rows = Monitor.objects.filter(name__in=options["names"]) if options["names"] else Monitor.objects.all()
            missing = set(options["names"]) - {monitor.name for monitor in rows}
            if missing:
                raise CommandError(f"There is no monitor {', '.join(sorted(missing))}.")
            self._push(list(rows), overwrite=options["overwrite"])

    def _list(self) -> None:
        for monitor in Monitor.objects.select_related("deployment"):
            deployment = getattr(monitor, "deployment", None)
            state = deployment.get_state_display() if deployment else "never pushed"
            fault = f"  FAULT: {deployment.fault}" if deployment and deployment.fault else ""
            self.stdout.write(
                f"{monitor.name:<40} {monitor.detection:<28} {monitor.interval_seconds:>6} s  {state}{fault}"
            )

    def _add(self, options: dict[str, Any]) -> list[Monitor]:
        wanted = list(definitions.catalog()) if options["detections"] == ["all"] else options["detections"]
        given = {}
        for pair in options["param"]:
            name, _, value = pair.partition("=")
            try:
                given[name] = json.loads(value)
            except ValueError as error:
                raise CommandError(f"--param {name}: {value[:60]!r} is no JSON.") from error
        monitors = []
        for detection_id in wanted:
            try:
                definition = find_detection(detection_id)
            except MonitorsError as error:
                raise CommandError(str(error)) from error
            monitor = Monitor.objects.filter(detection=definition.id, name=definition.title).first() or Monitor(
                detection=definition.id, name=definition.title, severity=definition.severity
            )
            monitor.interval_seconds = options["interval"]
            monitor.index_pattern = options["index"]
            monitor.params |= {name: value for name, value in given.items() if name in definition.parameters}
            try:
                revision = revisions.save(monitor, by=BY, reason="added from the catalogue")
            except ValidationError as error:
                raise CommandError(f"{definition.title}: {'; '.join(error.messages)}") from error
            self.stdout.write(f"{monitor.name}: revision {revision.number}")
            monitors.append(monitor)
        return monitors

    def _files(self, options: dict[str, Any]) -> None:
        folder: Path = options["dir"]
        if options.get("delete") and not options["prune"]:
            raise CommandError("--delete says what --prune does: give both.")
        try:
            if options["verb"] == "export":
                names = code.export(folder)
                self.stdout.write(f"{len(names)} files are written to {folder}.")
            elif options["verb"] == "plan":
                outcome = code.plan(folder, prune=options["prune"], delete=options["delete"])
                self._tell(outcome, "Nothing to do: everything is as the files say.")
                if outcome.changes:
                    sys.exit(TO_DO)
            else:
                self._apply(folder, options)
        except MonitorsError as error:
            raise CommandError(f"Nothing was changed.\n{error}") from error

    def _apply(self, folder: Path, options: dict[str, Any]) -> None:
        reason = options["reason"] or f"Applied from {folder.resolve().name}"
        outcome = code.apply(folder, by=APPLY, reason=reason, prune=options["prune"], delete=options["delete"])
        self._tell(outcome, "Nothing was changed: everything is as the files say.")
        for monitor in outcome.gone:
            try:
                push.remove(monitor, by=APPLY)
            except MonitorsError as error:
                raise CommandError(f"{monitor} was not deleted. {error}") from error
        if options["push"]:
            self._push(outcome.monitors)

    def _tell(self, outcome: Outcome, nothing: str) -> None:
        for changed in outcome.changes:
            self.stdout.write(changed.what)
            for line in changed.lines:
                self.stdout.write(f"    {line.what}: {line.old or 'nothing'} → {line.new or 'nothing'}")
        if not outcome.changes:
            self.stdout.write(nothing)
        for note in outcome.notes:
            self.stdout.write(f"note: {note}")
        for one in outcome.only_here:
            self.stdout.write(f"only here, in no file: {one}")

    def _push(self, monitors: list[Monitor], *, overwrite: bool = False) -> None:
        job = bulk.ask(monitors, by=None, overwrite=overwrite)
        while not job.is_over:  # a worker may have been faster, and one go may not be enough
            jobs.work(BulkPush, job.pk, lambda mine: bulk.run(mine, say=self.stdout.write), expected=(MonitorsError,))
            job.refresh_from_db()
            time.sleep(0 if job.is_over else 1)
        failed = [one for one in job.results if one["error"]]
        if failed or job.state != jobs.State.DONE:
            missed = len(job.monitors) - len(job.results) + len(failed)
            why = "".join(f"\n{one['name']}: {one['error']}" for one in failed)
            raise CommandError(f"{missed} of {len(monitors)} were not pushed.{why}")
