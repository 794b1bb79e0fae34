"""Install the index template for Okta events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitors import ingest, opensearch
from monitors.errors import OpenSearchError


class Command(BaseCommand):
    """`okta_template` puts `okta-system-log` in place; indices made from then on follow it."""

    help = "Installs the index template okta-system-log, which okta-system-log-* indices made from then on will follow."

    def handle(self, *args: Any, **options: Any) -> None:
        """Put it; doing so twice changes nothing."""
        try:
            opensearch.put_index_template(ingest.TEMPLATE_NAME, ingest.load_template())
        except OpenSearchError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The index template {ingest.TEMPLATE_NAME} is in place.")
