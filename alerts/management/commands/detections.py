"""Detections from the shell: what monitors' own command does, and the survey, which needs what alerts know."""

import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from alerts.services import surveys
from core import jobs
from core.jobs import State
from monitors.errors import MonitorsError
from monitors.management.commands import detections
from monitors.models import Survey, SurveyRow, every_detection


class Command(detections.Command):
    """`detections survey`, and the verbs of `monitors.management.commands.detections`."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        super().add_arguments(parser)
        look = self.verbs.add_parser("survey", help="play the whole catalogue over the past of an index")
        look.add_argument("--days", type=int, default=30, help="how far back, 30 by default")
        look.add_argument("--index", default=settings.OKTADETECT_INDEX_PATTERN, help="index pattern")
        look.add_argument("--json", action="store_true", help="one JSON object a detection")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        if options["verb"] == "survey":
            self._survey(options)
        else:
            super().handle(*args, **options)

    def _survey(self, options: dict[str, Any]) -> None:
        if not 1 <= options["days"] <= 366:
            raise CommandError("--days: give 1 to 366.")
        survey = surveys.ask(options["index"], options["days"], by=None, wake=False)
        told: set[str] = set()
        while not survey.is_over:
            jobs.work(Survey, survey.pk, lambda job: surveys.run(job, seconds=0), expected=(MonitorsError,))
            survey.refresh_from_db()
            for row in survey.rows.exclude(detection__in=told).order_by("pk"):
                told.add(row.detection)
                self._tell(row, as_json=options["json"])
            if survey.state == State.RUNNING:  # another worker has it
                time.sleep(1)
        if survey.state == State.FAILED:
            raise CommandError(survey.error)
        if not options["json"]:
            self._sum_up(survey)

    def _tell(self, row: SurveyRow, *, as_json: bool) -> None:
        if as_json:
            told = {"detection": row.detection, "lacks": row.lacks, "error": row.error, **(row.result or {})}
            self.stdout.write(json.dumps(told))
            return
        if row.lacks or row.error:
            self.stdout.write(f"{row.detection:<34} {'lacks ' + ', '.join(row.lacks) if row.lacks else row.error}")
            return
        one = row.result or {}
        limit = one["limit"]
        moved = f"{limit['label']} {limit['publisher']}, one a week at {limit['one_a_week'] or 'any'}" if limit else ""
        self.stdout.write(
            f"{row.detection:<34} {one['alerts']:>6} alerts {one['occurrences']:>7} occurrences {one['a_week']:>7} a week  {moved}"
        )
        for quiet in one["quiet"]:
            self.stdout.write(f"    {quiet['findings']} of {quiet['of']} come from {quiet['kind']} {quiet['name']}")

    def _sum_up(self, survey: Survey) -> None:
        titles = {one.id: one.title for one in every_detection()}
        sums = surveys.totals(list(survey.rows.all()))
        self.stdout.write(
            f"\n{sums['played']} detections played, {sums['silent']} of them silent: {sums['alerts']} alerts, {sums['a_week']} a week. "
            f"{sums['unserved']} cannot be served by this index, {sums['failed']} failed.\n\nMost worth judging:"
        )
        for finding in survey.findings.order_by("severity", "pk"):
            self.stdout.write(f"  {titles[finding.detection]}: {finding.sentence}")
        self.stdout.write(f"\nJudge them, and choose what to push, on the page of this survey: /surveys/{survey.pk}/")
