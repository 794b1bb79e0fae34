"""Ticket templates: a small language without surprises, held to what Jira takes before they are saved, and seen before they are used."""

from typing import Any

import pytest
import requests
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from alerts.models import TicketTemplate
from alerts.services import ticket_templates
from alerts.ticketing import fields, templates
from alerts.ticketing.templates import TemplateError
from core.roles import ANALYSTS, DETECTION_ENGINEERS
from tests.alerts.test_operations import Jira, owing, work
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_alert, make_monitor, make_user

NAMES = [*templates.NAMES, "observed.count", "limits.failures"]


@given(st.text())
def test_a_value_is_never_read_as_a_template(text: str) -> None:
    assert templates.render("<{entity}>", {"entity": text}) == f"<{text}>"


@given(st.text())
def test_text_with_doubled_braces_stands_as_it_is(text: str) -> None:
    assert templates.render(text.replace("{", "{{").replace("}", "}}"), {}) == text


@pytest.mark.parametrize(
    "template",
    ["{", "}", "{nobody}", "{entity.name}", "{entity!r}", "{entity:>10}", "{0}", "{}", "{observed}", "{observed.__class__.x}",
     "{observed.a.b}", "{settings.SECRET_KEY}", "{entity", "a } b"],
)  # fmt: skip
def test_what_no_alert_has_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        templates.check(template)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_may_be_named_and_one_that_is_missing_is_empty(name: str) -> None:
    templates.check(f"a {{{name}}}")
    assert templates.render(f"a{{{name}}}", {}) == "a"


def screen(jira: Jira, *custom: dict[str, Any]) -> None:
    told: dict[str, Any] = {"key": "SEC", "custom_fields": list(custom), "components": ["Okta"]}
    requests.put(f"{jira.url}/_sandbox/project", json=told, timeout=5).raise_for_status()


USER = {"id": "customfield_10050", "name": "Affected user", "kind": "text"}
COUNT = {"id": "customfield_10051", "name": "How many", "kind": "number"}


@pytest.mark.django_db
def test_a_ticket_is_filled_in_by_its_monitors_template(jira: Jira) -> None:
    screen(jira, USER, COUNT)
    monitor = make_monitor()
    template = TicketTemplate(
        monitor=monitor,
        summary="{severity_word}: {entity}",
        labels="team-a {detection}",
        components="Okta",
        introduction="Call {entity} first.",
        custom_fields={"Affected user": "{entity}", "customfield_10051": "{observed.count}"},
    )
    assert ticket_templates.check(template) == {}
    template.save()
    alert = owing(monitor=monitor, entity_name="anna@example.com")
    assert work(alert).state == "done"
    told = jira.issues()[0]["fields"]
    assert told["summary"] == "medium: anna@example.com"
    assert (told["customfield_10050"], told["customfield_10051"]) == ("anna@example.com", 22)
    assert {"team-a", "Brute_force_on_one_user"} <= set(told["labels"])
    assert [one["name"] for one in told["components"]] == ["Okta"]
    assert "first." in told["description"]


@pytest.mark.django_db
def test_what_jira_would_refuse_is_said_before_it_is_saved(jira: Jira) -> None:
    screen(jira, USER)
    wrong = ticket_templates.check(
        TicketTemplate(components="Nowhere", custom_fields={"Nothing": "x", "Affected user": "y"})
    )
    assert "no such field" in wrong["custom_fields"][0]
    assert "Okta" in wrong["components"][0]
    assert "{nobody}" in ticket_templates.check(TicketTemplate(summary="{nobody}"))["summary"][0]


@pytest.mark.django_db
def test_while_jira_is_away_nothing_that_names_its_fields_is_saved(settings: Any) -> None:
    settings.JIRA_URL = ""
    wrong = ticket_templates.check(TicketTemplate(custom_fields={"Affected user": "x"}))
    assert "nothing was saved" in wrong[""][0]
    assert ticket_templates.check(TicketTemplate(summary="{entity}")) == {}


@pytest.mark.django_db
def test_a_monitor_without_a_template_takes_the_one_for_all_others() -> None:
    monitor = make_monitor()
    TicketTemplate.objects.create(summary="all: {entity}")
    TicketTemplate.objects.create(monitor=make_monitor(), summary="another: {entity}")
    alert = make_alert(monitor=monitor, entity_name="anna")
    assert fields.create(alert, "x")["summary"] == "all: anna"
    TicketTemplate.objects.create(monitor=monitor, summary="mine: {entity}")
    assert fields.create(alert, "x")["summary"] == "mine: anna"


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role, is_staff=True))
    return client


FORM = {"summary": "{entity}!", "custom_fields": "{}", "monitor": ""}


@pytest.mark.django_db
def test_the_admin_previews_for_a_real_alert_saves_and_names_what_is_wrong() -> None:
    client = signed_in(DETECTION_ENGINEERS)
    make_alert(entity_name="anna@example.com")
    page = client.post("/admin/alerts/tickettemplate/preview/", FORM)
    assert (page.status_code, "anna@example.com!" in page.text, TicketTemplate.objects.count()) == (200, True, 0)
    assert client.post("/admin/alerts/tickettemplate/add/", FORM).status_code == 302
    assert TicketTemplate.objects.get().summary == "{entity}!"
    answer = client.post("/admin/alerts/tickettemplate/add/", {**FORM, "summary": "{nobody}"})
    assert "No alert has" in answer.text
    answer = client.post("/admin/alerts/tickettemplate/add/", FORM)
    assert "Choose a monitor, or change that template." in answer.text
    assert TicketTemplate.objects.count() == 1


@pytest.mark.django_db
def test_an_analyst_previews_nothing() -> None:
    assert signed_in(ANALYSTS).post("/admin/alerts/tickettemplate/preview/", FORM).status_code == 403
