"""Detections from the shell: what there is, and whether it proves itself."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitors import definitions
from monitors.definitions import Definition
from monitors.errors import MonitorsError
from monitors.layouts import LAYOUTS
from monitors.services import proving
from monitors.services.proving import Trial


class Command(BaseCommand):
    """`detections list`, `detections test [ID…]`."""

    help = "Lists the catalogue, and proves detections: their own events, in every layout of an index, on the real OpenSearch."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="every detection, with severity and ATT&CK techniques")
        test = verbs.add_parser("test", help="run the detections' own tests in every layout")
        test.add_argument("detections", nargs="*", help="ids; none for the whole catalogue")
        test.add_argument(
            "--layout", action="append", choices=list(LAYOUTS), help="only this layout; may be said again"
        )
        test.add_argument("--json", action="store_true", help="one JSON object a test")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says. Exits non-zero when a test failed."""
        if options["verb"] == "list":
            for one in definitions.catalog().values():
                self.stdout.write(f"{one.id:<36} {one.severity}  {one.title:<48} {', '.join(one.attack)}")
            return
        self._test(options)

    def _test(self, options: dict[str, Any]) -> None:
        try:
            chosen = [definitions.detection(name) for name in options["detections"]] or list(
                definitions.catalog().values()
            )
            trials = proving.prove(
                chosen, options["layout"] or tuple(LAYOUTS), say=lambda line: self.stderr.write(line)
            )
        except MonitorsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            for trial in trials:
                self.stdout.write(json.dumps(vars(trial), ensure_ascii=False))
        else:
            self._table(chosen, trials)
        failed = [trial for trial in trials if not trial.passed and not trial.lacks]
        if failed:
            raise CommandError(f"{len(failed)} of {len(trials)} tests failed.")

    def _table(self, chosen: Iterable[Definition], trials: list[Trial]) -> None:
        layouts = list(dict.fromkeys(trial.layout for trial in trials))
        self.stdout.write(f"{'':<36} " + " ".join(f"{name:<28}" for name in layouts))
        cells = defaultdict(list)
        for trial in trials:
            cells[trial.detection, trial.layout].append(trial)
        for definition in chosen:
            row = " ".join(f"{cell(cells[definition.id, name]):<28}" for name in layouts)
            self.stdout.write(f"{definition.id:<36} {row}")
        for trial in trials:
            if not trial.passed and not trial.lacks:
                self.stdout.write(f"FAILED {trial.detection} ({trial.layout}) {trial.case}: {trial.reason}")


def cell(trials: list[Trial]) -> str:
    """Return what became of a detection in a layout: how many tests passed, what failed, or what the index lacks."""
    failed = sum(not trial.passed and not trial.lacks for trial in trials)
    passed = sum(trial.passed for trial in trials)
    missing = sorted({trial.lacks.rpartition(".")[2] for trial in trials if trial.lacks})
    if failed:
        return f"{failed} FAILED"
    if not passed:
        return f"lacks {', '.join(missing)}"
    return f"{passed} passed" + (f", lacks {', '.join(missing)}" if missing else "")
