"""Sources and their tokens. Alerts and deliveries are worked in the portal, not here."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from alerts.models import Alert, Source, SourceToken, TicketTemplate
from alerts.services import sources, ticket_templates
from alerts.ticketing import adf, templates
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


FOR_ALL_OTHERS = (
    "All monitors without a template of their own have one already. Choose a monitor, or change that template."
)


class TicketTemplateForm(forms.ModelForm[TicketTemplate]):
    """A template, held to its language and to what Jira takes."""

    class Meta:
        model = TicketTemplate
        exclude: ClassVar[list[str]] = []
        help_texts: ClassVar[dict[str, str]] = {
            "summary": "Values: " + ", ".join(f"{{{name}}}" for name in templates.NAMES) + ", {observed.…}, {limits.…}",
        }

    def clean(self) -> dict[str, Any]:
        """Ask Jira's create metadata, once the rest is right."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            tried = TicketTemplate(**{name: value for name, value in cleaned.items() if name in self.fields})
            for name, said in ticket_templates.check(tried).items():
                self.add_error(name or None, said)
            self.instance.resolved, self.instance.checked_at = tried.resolved, tried.checked_at
        others = TicketTemplate.objects.filter(monitor=None).exclude(pk=self.instance.pk)
        if not cleaned.get("monitor") and others.exists():
            self.add_error("monitor", FOR_ALL_OTHERS)
        return cleaned


@admin.register(TicketTemplate)
class TicketTemplateAdmin(admin.ModelAdmin[TicketTemplate]):
    """What tickets say beyond the defaults."""

    form = TicketTemplateForm
    list_display = ("__str__", "summary", "checked_at")
    change_form_template = "admin/alerts/tickettemplate/change_form.html"

    def get_urls(self) -> list[Any]:
        """Add the preview."""
        preview = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", preview, name="alerts_tickettemplate_preview"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: TicketTemplate, form: Any, change: bool) -> None:
        """Save, with its history."""
        super().save_model(request, obj, form, change)
        activity.record("ticket_template.saved", obj, by=activity.person_of(request.user), changed=form.changed_data)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Show the ticket that a real alert would have, by what stands in the form; nothing is saved and nothing sent."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        pk = request.GET.get("template", "")
        instance = get_object_or_404(TicketTemplate, pk=pk) if pk.isdecimal() else None
        form = TicketTemplateForm(request.POST, instance=instance)
        rows: list[tuple[str, str]] = []
        alert = None
        if form.is_valid():
            template = form.save(commit=False)
            alert = _newest_alert(template)
            rows = _told(ticket_templates.preview(template, alert)) if alert else []
        context = {**self.admin_site.each_context(request), "title": "Preview of a ticket", "form": form, "rows": rows}
        context |= {"opts": self.model._meta, "alert": alert}
        return render(request, "admin/alerts/tickettemplate/preview.html", context, status=422 if form.errors else 200)


def _newest_alert(template: TicketTemplate) -> Alert | None:
    real = Alert.objects.filter(rehearsal=None).select_related("monitor", "case")
    return (real.filter(monitor=template.monitor_id) if template.monitor_id else real).order_by("-pk").first()


def _told(fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Return Jira's fields for people: texts as they are, the rest as the JSON that would be sent."""
    return [
        (name, value if isinstance(value, str) else adf.words(value) or json.dumps(value, ensure_ascii=False))
        for name, value in fields.items()
    ]
