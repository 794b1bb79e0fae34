"""History and people, to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.models import Activity, Person


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin[Activity]):
    """What was done, newest first. The database refuses changes, and so does this page."""

    list_display = ("at", "action", "subject_kind", "subject_id", "person", "program")
    list_filter = ("action",)
    search_fields = ("subject_id",)
    ordering = ("-id",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """History is written by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin[Person]):
    """The people whom history names by key."""

    list_display = ("name", "email", "user", "erased_at")
    readonly_fields = ("key", "user", "erased_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A name is erased, its key stays."""
        return False
