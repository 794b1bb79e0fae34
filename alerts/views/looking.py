"""Who else is looking: a line under the head of an alert, which the page asks for every few seconds."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from alerts.models import Alert
from alerts.services import looking
from core import activity


@require_POST
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that somebody looks, and answer who else does. A fragment."""
    alert = get_object_or_404(Alert.objects.only("pk"), pk=pk)
    others = looking.look(alert.pk, activity.person_of(request.user))
    return render(request, "alerts/_looking.html", {"alert": alert, "others": others})
