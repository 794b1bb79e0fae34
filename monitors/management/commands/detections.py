"""Detections from the shell: what there is, and whether it proves itself."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitors import definitions, scoring
from monitors.definitions import Definition
from monitors.errors import MonitorsError
from monitors.explain import explain
from monitors.layouts import LAYOUTS
from monitors.models import every_detection
from monitors.scoring import Labelled, Verdict
from monitors.services import importing, proving
from monitors.services.proving import Trial
from monitors.services.scoring import score

# Why we differ from the publisher on cases that are known, by case id.
EXPLAINED: dict[str, str] = yaml.safe_load((definitions.CATALOG / "scoring" / "explained.yaml").read_text()) or {}


class Command(BaseCommand):
    """`detections list`, `detections test [ID…]`, `detections score PATH…`, `detections import-sigma PATH…`."""

    help = "Lists the catalogue, and proves detections: their own events, in every layout of an index, on the real OpenSearch."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        verbs = self.verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="every detection, with severity and ATT&CK techniques")
        test = verbs.add_parser("test", help="run the detections' own tests in every layout")
        test.add_argument("detections", nargs="*", help="ids; none for the whole catalogue")
        test.add_argument(
            "--layout", action="append", choices=list(LAYOUTS), help="only this layout; may be said again"
        )
        test.add_argument("--json", action="store_true", help="one JSON object a test")
        test.add_argument(
            "--matrix", type=Path, help="write the matrix of detections and layouts to this file, as Markdown"
        )
        score = verbs.add_parser("score", help="score the catalogue on labelled NDJSON of others")
        score.add_argument("paths", nargs="+", type=Path, help="files, or folders of .ndjson files")
        score.add_argument("--json", action="store_true", help="one JSON object a verdict")
        tell = verbs.add_parser("explain", help="what somebody's own monitor does, and which detections answer it")
        tell.add_argument("file", type=Path, help="the JSON of a monitor or of a search")
        bring = verbs.add_parser("import-sigma", help="make match detections of Sigma rules for Okta")
        bring.add_argument("paths", nargs="+", type=Path, help="files, or folders of .yml and .yaml files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says. Exits non-zero when a test failed."""
        if options["verb"] == "list":
            for one in every_detection():
                self.stdout.write(f"{one.id:<36} {one.severity}  {one.title:<48} {', '.join(one.attack)}")
            return
        if options["verb"] == "score":
            self._score(options)
        elif options["verb"] == "explain":
            self._explain(options["file"])
        elif options["verb"] == "import-sigma":
            self._import(options["paths"])
        else:
            self._test(options)

    def _explain(self, file: Path) -> None:
        try:
            told = explain(file.read_text(), every_detection())
        except (MonitorsError, OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(told.name)
        for line in (*told.never, *told.doubts):
            self.stdout.write(f"  {line}")
        for one in told.ours:
            self.stdout.write(f"  Here: {one.id}, {one.title}.")

    def _import(self, paths: list[Path]) -> None:
        files = [file for path in paths for file in (sorted(path.rglob("*.y*ml")) if path.is_dir() else [path])]
        refused = 0
        for file in files:
            try:
                results = importing.import_sigma(file.read_text(), by="command")
            except (MonitorsError, OSError, UnicodeDecodeError) as error:
                refused += 1
                self.stderr.write(f"{file}: not imported: {error}")
                continue
            for result in results:
                self.stdout.write(f"{file}: {result.row.pk} {'imported' if result.made else 'imported again'}")
                for lost in result.row.not_carried:
                    self.stdout.write(f"    not carried over: {lost}")
        if refused:
            raise CommandError(f"{refused} of {len(files)} files were not imported.")

    def _score(self, options: dict[str, Any]) -> None:
        catalog = list(definitions.catalog().values())
        try:
            files = [
                file
                for path in options["paths"]
                for file in (sorted(path.glob("*.ndjson")) if path.is_dir() else [path])
            ]
            cases = [case for file in files for case in scoring.read(file)]
            verdicts = score(cases, catalog, say=lambda line: self.stderr.write(line))
        except (MonitorsError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            for one in verdicts:
                told = {
                    "case": one.case.id,
                    "label": one.case.label,
                    "detection": one.detection,
                    "expected": one.case.expected,
                }
                self.stdout.write(
                    json.dumps(
                        {**told, "fired": one.fired, "kind": one.kind, "told": list(one.told), "reason": one.reason}
                    )
                )
            return
        self._scores(cases, verdicts)

    def _scores(self, cases: list[Labelled], verdicts: list[Verdict]) -> None:
        kinds = ("true positive", "false positive", "true negative", "false negative")
        by_detection: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for verdict in verdicts:
            by_detection[verdict.detection][verdict.kind] += 1
        self.stdout.write(f"{'':<36} " + " ".join(f"{kind:>14}" for kind in kinds))
        for name, counts in sorted(by_detection.items()):
            self.stdout.write(f"{name:<36} " + " ".join(f"{counts[kind]:>14}" for kind in kinds))
        total = Counter(verdict.kind for verdict in verdicts)
        self.stdout.write(f"{'in all':<36} " + " ".join(f"{total[kind]:>14}" for kind in kinds))
        for verdict in verdicts:
            if not verdict.agrees:
                why = "; ".join(verdict.told[:2]) or verdict.reason
                known = EXPLAINED.get(verdict.case.id, "")
                self.stdout.write(
                    f"{verdict.kind.upper()} {verdict.detection}, {verdict.case.id}: {why}. {known}".rstrip()
                )
        claimed = {verdict.case.id for verdict in verdicts}
        for label, count in Counter(case.label for case in cases if case.id not in claimed).items():
            self.stdout.write(f"No detection claims {label} ({count} case{'' if count == 1 else 's'}).")

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
        if options["matrix"]:
            options["matrix"].write_text(matrix(trials))
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


def matrix(trials: list[Trial]) -> str:
    """Return the table of detections and layouts that is kept in the docs; a test holds it to what is proved."""
    layouts = list(dict.fromkeys(trial.layout for trial in trials))
    cells = defaultdict(list)
    for trial in trials:
        cells[trial.detection, trial.layout].append(trial)
    rows = [
        "# What each detection was proved in",
        "",
        "Written by `manage.py detections test --matrix docs/detection-matrix.md`: the detections' own tests, run on a real OpenSearch in",
        "every layout of an index. *lacks* names the field without which a detection, or one of its tests, cannot be told there.",
        "",
        f"| detection | {' | '.join(f'{name}: {LAYOUTS[name].who}' for name in layouts)} |",
        f"|---|{'---|' * len(layouts)}",
    ]
    names = dict.fromkeys(trial.detection for trial in trials)
    rows += [f"| {name} | {' | '.join(cell(cells[name, layout]) for layout in layouts)} |" for name in names]
    return "\n".join(rows) + "\n"


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
