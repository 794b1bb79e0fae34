"""Sources and their tokens. Alerts and deliveries are worked in the portal, not here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from alerts.models import Source, SourceToken
from alerts.services import sources
from core import activity


class TokenInline(admin.TabularInline[SourceToken, Source]):
    """A source's tokens, by their last characters."""

    model = SourceToken
    fields = readonly_fields = ("hint", "created_at", "first_seen_at", "withdrawn_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tokens are minted, never typed."""
        return False


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin[Source]):
    """Who may post to the webhook."""

    list_display = ("name", "enabled", "created_at")
    inlines = (TokenInline,)
    actions = ("mint_token",)

    @admin.action(description="Mint a new token (shown once)", permissions=["change"])
    def mint_token(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        """Show a new token once; the one before lives on until the new one is seen."""
        for source in queryset:
            token = sources.mint(source.name, by=activity.person_of(request.user))
            messages.warning(request, f"{source}: {token} — copy it now; only its hash is kept.")
