"""Jira from the shell: whether it is set up as tickets need it, and whether each case has its ticket."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from alerts.ticketing import check, sweep
from alerts.ticketing.findings import Finding

SIGNS = {"ok": "✓", "wrong": "✕", "note": "–"}


class Command(BaseCommand):
    """`jira check [--deep]`, `jira sweep [--mend] [--all]`; both take `--json`."""

    help = "Checks how Jira is set up, or sweeps for tickets and cases that do not belong together. Exits 1 when something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        checking = verbs.add_parser("check", help="everything that tickets need, each with its fix")
        checking.add_argument("--deep", action="store_true", help="make a test issue, measure the index lag, delete it")
        sweeping = verbs.add_parser("sweep", help="duplicates, strays, tickets that are owed or gone")
        sweeping.add_argument("--mend", action="store_true", help="mend what has one right outcome")
        sweeping.add_argument("--all", action="store_true", help="look at all issues, not only those of the last week")
        for verb in (checking, sweeping):
            verb.add_argument("--json", action="store_true", help="one object for each finding")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what was found."""
        if options["verb"] == "check":
            findings = check.run(deep=options["deep"])
        else:
            findings = sweep.run(mend=options["mend"], everything=options["all"])
        for finding in findings:
            self.stdout.write(json.dumps(finding.as_json()) if options["json"] else _line(finding))
        if not findings and not options["json"]:
            self.stdout.write("Nothing to report.")
        wrong = sum(finding.state == "wrong" for finding in findings)
        if wrong:
            raise CommandError(f"{wrong} thing{'' if wrong == 1 else 's'} wrong.")


def _line(finding: Finding) -> str:
    fix = f"\n    {finding.fix}" if finding.fix else ""
    return f"{SIGNS[finding.state]} {finding.name}: {finding.words}{fix}"
