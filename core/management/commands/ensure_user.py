"""Make a user who can sign in, or set a known one's password and rights."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core import activity


class Command(BaseCommand):
    """`ensure_user NAME [--admin]`, with the password on standard input so that no process list shows it."""

    help = "Makes a user, or sets a known user's password and rights. The password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a name, and whether the user administers."""
        parser.add_argument("username")
        parser.add_argument("--admin", action="store_true", help="may use the admin and push monitors")
        parser.add_argument("--email", default="")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Do it once, however often it is asked."""
        password = sys.stdin.readline().rstrip("\n")
        if not password:
            raise CommandError("Give the password on standard input, one line.")
        user, made = get_user_model().objects.get_or_create(username=options["username"])
        user.email = options["email"] or user.email
        user.is_staff = user.is_superuser = options["admin"]
        user.set_password(password)
        user.save()
        activity.record("user.made" if made else "user.changed", user, by="command", admin=options["admin"])
        self.stdout.write(f"{user.username} {'made' if made else 'changed'}.")
