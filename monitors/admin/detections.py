"""Detections that came from Sigma rules."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from core import activity
from monitors.errors import MonitorsError
from monitors.models import (
    ImportedDetection,
)
from monitors.services import importing


class SigmaForm(forms.Form):
    """A file of Sigma rules."""

    file = forms.FileField(help_text="YAML; several rules in one file are fine. Each becomes a match detection.")


@admin.register(ImportedDetection)
class ImportedDetectionAdmin(admin.ModelAdmin[ImportedDetection]):
    """Detections that came from Sigma rules."""

    list_display = ("slug", "__str__", "imported_at")
    readonly_fields = fields = ("slug", "raw", "not_carried", "imported_at")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take a file of rules; say for each what could not be carried over."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SigmaForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                results = importing.import_sigma(
                    form.cleaned_data["file"].read().decode(), by=activity.person_of(request.user)
                )
            except (MonitorsError, UnicodeDecodeError) as error:
                form.add_error("file", str(error))
            else:
                for result in results:
                    messages.success(
                        request, f"{result.row} imported. Not carried over: {'; '.join(result.row.not_carried)}."
                    )
                return HttpResponseRedirect(reverse("admin:monitors_importeddetection_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Import Sigma rules",
            "form": form,
            "opts": self.model._meta,
        }
        return render(request, "admin/monitors/import.html", context)
