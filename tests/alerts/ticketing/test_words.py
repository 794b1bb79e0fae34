"""What a ticket says: all of it text, whoever wrote it, in both of Jira's languages and within its limits."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.models import TicketTemplate
from alerts.ticketing import adf, attachment, fields, markup, words
from alerts.ticketing.document import Code, Document, Link, Points, Table, Text, data, paragraph
from tests.alerts.ticketing import wiki
from tests.factories import ago, make_alert, make_event, make_evidence, make_monitor, make_occurrence

LIVE = "[](){}|*_-+^~!?#@<>&:%/'\"=;,.\\h1bq acolornoformat\n"
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=LIVE, max_size=60),
    st.sampled_from([
        "[~accountid:5b10]", "[click|http://evil.example]", "http://evil.example/x", "!http://evil.example/x.png!", "{code}x{code}",
        "{noformat}", "h1. big", "bq. said", "a|b||c", "*b*", "\\*b\\*", "\\\\[x|http://y]", "----", "# one", "* one", "SEC-1", ":)", "(y)",
        "&#91;x&#124;y&#93;", "mailto:a@b.c", "{{m}}", "~user", "@bob",
    ]),
)  # fmt: skip


@given(HOSTILE)
@example("\ue000")
def test_inert_text_reads_as_it_was_and_holds_no_markup(text: str) -> None:
    inert = markup.inert(text)
    assert wiki.shown(inert) == text
    found = wiki.read(inert)
    assert (found.links, found.bold, found.rows, found.other) == ([], [], [], [])


@given(st.lists(HOSTILE, min_size=4, max_size=4))
def test_a_document_has_the_links_rows_and_bold_words_that_it_was_given_and_no_others(texts: list[str]) -> None:
    a, b, c, d = (data(text) for text in texts)
    document: Document = [
        paragraph(Text(a or "x", strong=True), (b, Link(c or "x", "https://portal.example/alerts/7/"))),
        Table(("One", "Two"), ((a, b), (c, d))),
        Points(((d,), (a,))),
        Code(json.dumps({"uuid": texts})),
    ]
    found = wiki.read(markup.render(document))
    assert found.links == [(c or "x", "https://portal.example/alerts/7/")]
    assert found.bold == [a or "x"]
    assert found.rows == [["One", "Two"], [a or " ", b or " "], [c or " ", d or " "]]
    assert found.other == []
    _assert_is_a_document(adf.render(document), {"https://portal.example/alerts/7/"})


ALLOWED = {
    "doc": {"paragraph", "table", "bulletList", "orderedList", "codeBlock"},
    "paragraph": {"text", "hardBreak"},
    "table": {"tableRow"},
    "tableRow": {"tableHeader", "tableCell"},
    "tableHeader": {"paragraph"},
    "tableCell": {"paragraph"},
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "listItem": {"paragraph"},
    "codeBlock": {"text"},
}


def _assert_is_a_document(node: dict[str, Any], addresses: set[str]) -> None:
    """Hold a node to the Atlassian Document Format as far as we use it: no mention, no card, no link but ours, no empty text."""
    if node["type"] == "text":
        assert node["text"]
        for mark in node.get("marks", ()):
            assert mark["type"] == "strong" or mark["attrs"]["href"] in addresses
        return
    for inner in node.get("content", ()):
        assert inner["type"] in ALLOWED[node["type"]]
        _assert_is_a_document(inner, addresses)


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(HOSTILE, min_size=3, max_size=3))
def test_what_an_alert_says_is_only_text_in_a_ticket(texts: list[str]) -> None:
    a, b, c = (text.replace("\x00", "") or "x" for text in texts)
    event = make_event(city=a, as_org=b, os=c, ip=a, uuid=b, result=c)
    alert = make_alert(sentence=a, entity_name=b, entity_id=b, detection=c, detection_id="", events=[event])
    found = wiki.read(str(fields.description(alert)))
    assert found.links == [("Open in oktadetect", fields.link(alert))]
    assert [len(row) for row in found.rows] == [8, 8]
    assert found.other == []
    assert "\n" not in fields.summary(alert)


@pytest.mark.django_db
@pytest.mark.parametrize("version", [2, 3])
def test_a_description_stays_within_jiras_limit_and_says_that_more_events_stand_elsewhere(
    version: int, settings: Any
) -> None:
    settings.JIRA_API_VERSION = version
    long = "*" * 2_000
    events = [
        make_event(city=long, as_org=long, os=long, uuid=long, ip=long, type=long, result=long) for _ in range(25)
    ]
    alert = make_alert(sentence="*" * 1_000, entity_name=long[:500], events=events)
    body = fields.description(alert, TicketTemplate(introduction="\n\n".join(["*" * 900] * 4)))
    size = len(body) if isinstance(body, str) else len(json.dumps(body))
    assert size <= fields.MAX_DESCRIPTION
    text = body if isinstance(body, str) else adf.words(body)
    assert "More events stand in oktadetect" in text
    assert "Open in oktadetect" in text


@pytest.mark.django_db
def test_a_ticket_tells_the_search_that_finds_its_events_again() -> None:
    alert = make_alert(monitor=make_monitor(), events=[make_event(uuid="e-1"), make_event(uuid="{noformat}e-2")])
    text = str(fields.description(alert))
    search = text.split("{noformat}\n")[1].split("\n{noformat}")[0]
    address, body = search.split("\n", 1)
    assert address == "GET okta-system-log-*/_search"
    assert json.loads(body) == {"query": {"terms": {"uuid": ["e-1", "{noformat}e-2"]}}}


@pytest.mark.django_db
def test_a_comment_tells_each_alert_of_the_case_and_what_is_new_in_it() -> None:
    first = make_alert(events=[make_event(ip="198.51.100.1")])
    again = make_occurrence(first, events=[make_event(ip="198.51.100.1"), make_event(ip="198.51.100.2")],
                            first_at=ago(minutes=2), last_at=ago(minutes=1))  # fmt: skip
    other = make_alert(case=first.case, sentence="A factor was reset", detection="Reset")
    text = wiki.shown(str(fields.comment(first, [again, *other.occurrences.all()])))
    assert f"Seen again, 1 times in all. {first.sentence}" in text
    assert "address 198.51.100.2" in text
    assert "address 198.51.100.1" not in text
    assert "*A factor was reset*" in text
    assert text.count("Open in oktadetect") == 2


@pytest.mark.django_db
def test_a_description_in_either_language_is_known_again_by_its_words(settings: Any) -> None:
    alert = make_alert()
    settings.JIRA_API_VERSION = 3
    body = fields.description(alert)
    assert isinstance(body, dict)
    stored = json.loads(json.dumps(body))
    stored["content"][0]["attrs"] = {"localId": "added-by-jira"}
    assert fields.digest(stored) == fields.digest(body)
    stored["content"][0]["content"][0]["text"] = "edited"
    assert fields.digest(stored) != fields.digest(body)


@pytest.mark.django_db
def test_a_user_leads_to_oktas_admin(settings: Any) -> None:
    settings.OKTADETECT_OKTA_ADMIN_URL = "https://example-admin.okta.com"
    alert = make_alert(entity_id="00u1|]x", entity_name="anna")
    addresses = [address for _, address in wiki.read(str(fields.description(alert))).links]
    assert "https://example-admin.okta.com/admin/user/profile/view/00u1%7C%5Dx" in addresses


@pytest.mark.django_db
def test_a_remote_link_is_the_same_one_each_time() -> None:
    alert = make_alert()
    assert fields.remote_link(alert)["globalId"] == fields.remote_link(alert)["globalId"]
    assert fields.remote_link(alert)["object"]["url"] == words.link(alert)
    assert fields.entity_property(alert)["alert"] == alert.pk
    assert alert.last_seen - alert.first_seen < timedelta(hours=1)


@pytest.mark.django_db
def test_a_file_holds_the_whole_events_a_line_each_where_a_table_does_not_show_them_all() -> None:
    events = [make_event(uuid=f"e-{number}", reason="=cmd()\n") for number in range(30)]
    alert = make_alert(events=events)
    occurrence = alert.occurrences.get()
    assert attachment.is_due(occurrence)
    assert [json.loads(line)["uuid"] for line in attachment.content(alert).splitlines()] == [
        one["uuid"] for one in events
    ]
    make_evidence(occurrence, [{"uuid": "e-0", "whole": True}])
    assert json.loads(attachment.content(alert)) == {"uuid": "e-0", "whole": True}
    assert not attachment.is_due(make_alert().occurrences.get())
