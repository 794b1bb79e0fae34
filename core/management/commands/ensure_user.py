"""Make a user who can sign in, or set a known one's password and rights."""

import sys
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core import activity, roles


class Command(BaseCommand):
    """`ensure_user NAME [--admin | --engineer]`, with the password on standard input so that no process list shows it."""

    help = "Makes a user, or sets a known user's password and rights. The password is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a name, and what the user is: an analyst unless told otherwise."""
        parser.add_argument("username")
        rights = parser.add_mutually_exclusive_group()
        rights.add_argument("--admin", action="store_true", help="may do everything")
        rights.add_argument("--engineer", action="store_true", help="may keep monitors and sources, and push")
        parser.add_argument("--email", default="")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Do it once, however often it is asked."""
        password = sys.stdin.readline().rstrip("\n")
        if not password:
            raise CommandError("Give the password on standard input, one line.")
        user, made = User.objects.get_or_create(username=options["username"])
        user.email = options["email"] or user.email
        admin, engineer = options["admin"], options["engineer"]
        user.is_superuser, user.is_staff = admin, admin or engineer
        user.set_password(password)
        user.save()
        role = roles.DETECTION_ENGINEERS if engineer else roles.ANALYSTS
        user.groups.remove(*Group.objects.filter(name__in=roles.MAY))
        if not admin:
            user.groups.add(Group.objects.get(name=role))
        activity.record(
            "user.made" if made else "user.changed", user, by="command", admin=admin, role="" if admin else role
        )
        self.stdout.write(f"{user.username} {'made' if made else 'changed'}.")
