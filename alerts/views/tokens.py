"""One's own API tokens: made, shown once, withdrawn."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from alerts.choices import Scope
from alerts.models import ApiToken
from alerts.services import api_tokens
from core import activity

LIFETIMES = {30: "30 days", 90: "90 days", 365: "a year"}
DEFAULT_DAYS = 90
MAX_ENDED = 20


class TokenForm(forms.Form):
    """What a token is for, what it may do, and for how long. Only what the user may do is offered."""

    name = forms.CharField(max_length=60, label="What it is for")
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
        error_messages={"required": "Choose what the token may do."},
    )
    days = forms.TypedChoiceField(
        choices=list(LIFETIMES.items()), coerce=int, initial=DEFAULT_DAYS, label="How long it lives"
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
        scopes.choices = [(one.value, one.label) for one in Scope if api_tokens.may(user, one)]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List one's tokens, and make one: the answer to the form is the only page that ever shows it."""
    assert isinstance(request.user, User)  # noqa: S101 - the middleware lets nobody else in
    owner = activity.person_of(request.user)
    form = TokenForm(request.user, request.POST if request.method == "POST" else None)
    made: ApiToken | None = None
    text = ""
    if form.is_valid():
        told = form.cleaned_data
        try:
            made, text = api_tokens.make(
                owner,
                name=told["name"],
                scopes=[Scope(value) for value in told["scopes"]],
                lifetime=timedelta(days=told["days"]),
            )
        except api_tokens.NotMade as error:
            form.add_error(None, str(error))
        else:
            form = TokenForm(request.user)
    context = {
        "section": "tokens",
        "form": form,
        "made": made,
        "text": text,
        "tokens": api_tokens.live(owner),
        "ended": api_tokens.ended(owner)[:MAX_ENDED],
    }
    return render(request, "alerts/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """End one's own token."""
    try:
        token = api_tokens.withdraw(pk, activity.person_of(request.user))
    except ApiToken.DoesNotExist as error:
        raise Http404("There is no such token of yours.") from error
    messages.success(request, f"The token “{token.name}” lets nobody in any more.")
    return redirect("alerts:tokens")
