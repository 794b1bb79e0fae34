"""Install the index template for Okta events."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitors import opensearch
from monitors.errors import OpenSearchError

TEMPLATE = Path(__file__).parents[2] / "okta_system_log_template.json"


class Command(BaseCommand):
    """`okta_template` puts `okta-system-log` in place; indices made from then on follow it."""

    help = "Installs the index template okta-system-log, which okta-system-log-* indices made from then on will follow."

    def handle(self, *args: Any, **options: Any) -> None:
        """Put it; doing so twice changes nothing."""
        try:
            opensearch.put_index_template("okta-system-log", json.loads(TEMPLATE.read_text()))
        except OpenSearchError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The index template okta-system-log is in place.")
