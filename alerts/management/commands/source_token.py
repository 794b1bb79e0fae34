"""Mint a token with which something may post to the webhook."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from alerts.services import sources


class Command(BaseCommand):
    """`source_token NAME` prints a new token once; only its hash is kept."""

    help = (
        "Prints a new bearer token for a source (made if need be). The one before lives on until the new one is seen."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source's name."""
        parser.add_argument("source", help="who will post, e.g. curl or soc-cluster")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token and nothing else, so that a shell can take it."""
        self.stdout.write(sources.mint(options["source"], by="command"))
