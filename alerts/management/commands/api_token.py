"""API tokens from the shell: whose there are, and the end of one that leaked or whose owner left."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from alerts.models import ApiToken
from alerts.services import api_tokens
from core.text import controls_shown


class Command(BaseCommand):
    """`api_token list`, `api_token withdraw TOKEN`. They are made in the portal, by whom they act as."""

    help = "Lists the API tokens of everybody, or withdraws one, named by its number or by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "list", help="whose there are, what they may, when they were used last and until when they live"
        )
        ending = verbs.add_parser("withdraw", help="end one now")
        ending.add_argument("token", help="its number, or the token itself as it was found")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["verb"] == "list":
            for token in ApiToken.objects.select_related("owner__user"):
                self.stdout.write(_line(token))
            return
        try:
            found = api_tokens.find(options["token"])
            api_tokens.withdraw(found.pk, by="command")
        except ApiToken.DoesNotExist as error:
            raise CommandError("There is no such token, or it was withdrawn before.") from error
        self.stdout.write(f"Withdrawn: {_line(found)}")


def _line(token: ApiToken) -> str:
    who = token.owner.user.get_username() if token.owner.user else f"{token.owner} (no account)"
    used = f"used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
    end = f"withdrawn {token.withdrawn_at:%Y-%m-%d}" if token.withdrawn_at else f"until {token.expires_at:%Y-%m-%d}"
    name = controls_shown(token.name)
    return f"{token.pk}  {who}  {name} (…{token.hint})  {', '.join(token.scopes)}  {used}  {end}"
