"""The way to Jira on a page: whether it is set up as tickets need it, what was heard, and what the sweep found."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from alerts import tasks
from alerts.models import Alert, JiraEvent, JiraState, Ticket
from alerts.ticketing import sync
from core import activity, clock
from core.wakeups import wake

MAX_GONE = 50


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show what check, poll and sweep found last. Jira itself is not asked."""
    gone = Ticket.objects.exclude(gone_at=None).order_by("-gone_at").prefetch_related("case__alerts")
    context = {
        "section": "pipeline",
        "address": settings.JIRA_URL,
        "state": JiraState.load(),
        "heard": JiraEvent.objects.order_by("-received_at").first(),
        "has_webhook": bool(settings.JIRA_WEBHOOK_PATH),
        "policy": settings.OKTADETECT_JIRA_CLOSE_POLICY,
        "to_read": Ticket.objects.filter(read_due_at__lte=clock.now()).count(),
        "gone": gone[:MAX_GONE],
    }
    return render(request, "alerts/jira.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Have a worker check how Jira is set up; the page follows it."""
    ask_for_check(request)
    return HttpResponseRedirect(reverse("alerts:jira"))


def ask_for_check(request: HttpRequest) -> None:
    """Note that somebody waits for a check, and wake a worker for it."""
    JiraState.objects.filter(pk=JiraState.load().pk).update(check_asked_at=clock.now())
    wake(tasks.check_jira)
    messages.success(request, "A worker checks Jira now.")


@require_POST
def replace(request: HttpRequest, pk: int) -> HttpResponse:
    """Owe the alert's case a new ticket in place of one that Jira knows no more."""
    alert = get_object_or_404(Alert, pk=pk)
    if sync.replace(alert.case_id, activity.person_of(request.user)):
        wake(tasks.work_case, alert.case_id)
        messages.success(request, "A new ticket is on its way.")
    else:
        messages.error(request, "The ticket stands in Jira, as far as we know.")
    return redirect("alerts:alert", pk=pk)
