"""
Who may do what, by Django's own permissions: two groups, made anew with each migrate so that new models are covered.

*analysts* see everything and triage. *detection engineers* also keep monitors, sources and ticket templates in the admin, and push
(which asks for `monitors.change_monitor`). Deleting (but for exclusions, lists and ticket templates), people and users are for
superusers. Other groups are left alone.
"""

from typing import Any

from django.apps import apps as current_apps
from django.db.models import Q

ANALYSTS = "analysts"
DETECTION_ENGINEERS = "detection engineers"

_SEE = Q(content_type__app_label__in=["alerts", "monitors"], codename__startswith="view_")
_TRIAGE = Q(content_type__app_label="alerts", codename="change_alert")
_MONITORS = Q(content_type__app_label="monitors", codename__regex="^(add|change)_")
_LISTS = Q(content_type__app_label="monitors", codename__in=["delete_exclusion", "delete_namedlist"])
_SOURCES = Q(content_type__app_label="alerts", codename__in=["add_source", "change_source"])
_TEMPLATES = Q(content_type__app_label="alerts", content_type__model="tickettemplate")
MAY = {ANALYSTS: _SEE | _TRIAGE, DETECTION_ENGINEERS: _SEE | _TRIAGE | _MONITORS | _LISTS | _SOURCES | _TEMPLATES}


def make_roles(*, using: str, apps: Any = current_apps, **_: Any) -> None:
    """Make the groups and give them their permissions: a receiver of `post_migrate` for auth, behind the apps that they are about."""
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, may in MAY.items():
        role, _made = group.objects.using(using).get_or_create(name=name)
        role.permissions.set(permission.objects.using(using).filter(may))
