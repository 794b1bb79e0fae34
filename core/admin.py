"""History and people, to be read."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from core.models import Activity, Person

MOST_LISTED = 10_000
RECENT = 5_000  # lines whose actions are offered as filters


class NewestLines(Paginator[Activity]):
    """Pages of the newest MOST_LISTED lines: counting millions would take longer than reading a page of them."""

    @cached_property
    def count(self) -> int:
        """How many lines the pages hold."""
        assert isinstance(self.object_list, QuerySet)  # noqa: S101 - the admin's lists are
        return self.object_list.order_by()[:MOST_LISTED].count()


class ActionFilter(admin.SimpleListFilter):
    """What was done, of what was done lately."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the actions of the newest lines, and the chosen one."""
        recent = set(Activity.objects.order_by("-id").values_list("action", flat=True)[:RECENT])
        return [(action, action) for action in sorted(recent | {self.value() or ""}) if action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Activity]) -> QuerySet[Activity]:
        """Narrow to the chosen action."""
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin[Activity]):
    """What was done, newest first. The database refuses changes, and so does this page."""

    list_display = ("at", "action", "subject_kind", "subject_id", "person", "program")
    list_filter = (ActionFilter,)
    search_fields = ("subject_id",)
    search_help_text = "The whole key of what it was done to: the number of an alert, say."
    ordering = ("-id",)
    show_full_result_count = False
    paginator = NewestLines

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Activity], search_term: str
    ) -> tuple[QuerySet[Activity], bool]:
        """Find a whole key by the index on kind and key."""
        if not search_term:
            return queryset, False
        return queryset.filter(subject_kind__in=self._kinds(), subject_id=search_term.strip()), False

    def _kinds(self) -> list[str]:
        return [model._meta.model_name or "" for model in apps.get_models()]

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
