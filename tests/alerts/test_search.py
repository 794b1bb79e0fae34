"""What a search of the queue means, and that it finds it by indexes: the newest alerts first, whatever matches and however often."""

import importlib
from collections.abc import Iterable

import pytest
from django.contrib.postgres.operations import TrigramExtension
from django.core.management.base import CommandError
from django.db import ProgrammingError

from alerts import querysets, search
from alerts.models import Alert, Entity
from alerts.services import entities
from core.queries import Prepared
from tests.alerts.test_deliveries_table import plan
from tests.factories import ago, involve, make_alert, make_ticket

pytestmark = pytest.mark.django_db


def so_few(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Have so many keys be the most that a query names."""
    monkeypatch.setattr(search, "FEW", most)
    monkeypatch.setattr(search, "NAMED", Prepared(search.NAMED.write, **search.NAMED.stand_ins))


def found(text: str) -> list[Alert]:
    return list(search.about(Alert.objects.all(), text).order_by("-pk"))


@pytest.mark.parametrize("text", ["anna@example.com", "ANNA@example.com"])
def test_a_whole_login_means_nobody_whose_login_only_holds_it(text: str) -> None:
    anna = make_alert(entity_name="Anna@example.com")
    make_alert(entity_name="joanna@example.com")
    assert found(text) == [anna]


def test_a_whole_address_means_no_longer_one() -> None:
    short, long = make_alert(), make_alert()
    involve(short, "ip", "203.0.113.1", "source")
    involve(long, "ip", "203.0.113.10", "source")
    assert found("203.0.113.1") == [short]
    assert found("no such 203.0.113.1") == []


def test_a_login_that_is_a_word_is_looked_for_in_sentences_too() -> None:
    login, sentence = make_alert(entity_name="admin"), make_alert(sentence="Somebody granted an Admin role")
    assert found("admin") == [sentence, login]


def test_a_part_of_a_name_or_sentence_is_found_in_any_case() -> None:
    name, sentence = make_alert(entity_name="bert.KAYA@example.com"), make_alert(sentence="Kaya was locked out")
    make_alert()
    assert found("kaYA") == [sentence, name]


@pytest.mark.parametrize("text", ["100 % of", "a_b", "back\\slash", "Straße", 'O\'Brien "x"'])
def test_what_is_a_sign_elsewhere_is_a_letter_in_a_search(text: str) -> None:
    meant = make_alert(sentence=f"Somebody wrote {text.lower()} here")
    make_alert(sentence="Somebody wrote 1000 of, axb, backslash and Strasse here")
    assert found(text) == [meant]


def test_the_end_of_a_sentence_and_a_name_are_not_one_text() -> None:
    make_alert(sentence="Ends with ada", entity_name="nna@example.com")
    assert found("adanna") == found("ada nna") == []


def test_one_or_two_letters_are_a_whole_name() -> None:
    whole = make_alert(entity_name="Bo")
    make_alert(entity_name="bob")
    assert found("bo") == [whole]
    Entity.objects.create(kind="user", value="00ubob", name="bob")
    Entity.objects.create(kind="user", value="00ubo", name="Bo")
    assert {row.name for row in entities.search("bo")} == {"Bo"}


def test_a_tickets_key_means_its_alerts() -> None:
    alert = make_alert()
    make_ticket(alert, "SEC-12")
    make_alert(sentence="as in SEC-12, again")
    assert found("sec-12") == [alert]


def test_whoever_took_part_in_many_alerts_is_found_as_whoever_did_in_few(monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = [make_alert() for _ in range(3)]
    for alert in alerts[:2]:
        involve(alert, "ip", "203.0.113.7", "source")
    few = found("203.0.113.7")
    so_few(monkeypatch, 1)
    assert found("203.0.113.7") == few == [alerts[1], alerts[0]]
    called = make_alert(entity_name="203.0.113.7")
    assert found("203.0.113.7") == [called, *few]


@pytest.mark.parametrize("grows", [True, False])
@pytest.mark.parametrize(
    ("walked", "few", "many"), [(4_000, 3_000, 20_000), (1, 3_000, 20_000), (1, 1, 20_000), (3, 1, 1), (1, 1, 1)]
)
def test_the_newest_are_the_same_however_they_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, walked: int, few: int, many: int, grows: bool
) -> None:
    alerts = [make_alert(sentence=f"{'odd' if number % 2 else 'even'} {number}") for number in range(12)]
    odd = [alert.pk for alert in alerts[::-1] if "odd" in alert.sentence]
    monkeypatch.setattr(search, "WALKED", walked)
    monkeypatch.setattr(search, "MANY", many)
    so_few(monkeypatch, few)

    def keys(rows: Iterable[Alert]) -> list[int]:
        return [alert.pk for alert in rows]

    searched_in = search.Searched(Alert.objects.filter(status="new"), grows=grows)
    matching = search.about(Alert.objects.all(), "odd")
    assert keys(querysets.newest(matching, 4, searched_in=searched_in)) == odd[:4]
    assert keys(querysets.newest(matching, 4, before=odd[3], searched_in=searched_in)) == odd[4:]
    assert keys(querysets.newest(matching, 4)) == odd[:4]
    for nothing in ("neither", "ne"):
        assert querysets.newest(search.about(Alert.objects.all(), nothing), 4, searched_in=searched_in) == []


def test_related_alerts_are_the_nearest_of_an_entity_that_has_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(querysets, "NEAREST", 2)
    told = [make_alert(entity_id="00uanna") for _ in range(7)]
    other = make_alert()
    for alert in (told[3], other):
        involve(alert, "session", "idx1", "session")
    make_alert(entity_id="00uanna", first_seen=ago(days=9), last_seen=ago(days=9))
    assert querysets.related(told[3], 10) == [other, told[5], told[4], told[2], told[1]]


def test_searches_and_tabs_are_answered_by_their_indexes() -> None:
    make_alert()
    alerts = Alert.objects.order_by()
    assert "alert_by_words" in plan(search.about(alerts, "okafor"))
    assert "alert_by_name" in plan(alerts.filter(entity_name__iexact="anna@example.com"))
    assert "alert_by_verdict" in plan(Alert.objects.filter(verdict="true_positive").order_by("-id")[:50])
    assert "alert_by_last_seen" in plan(alerts.filter(last_seen__gte=ago(hours=1)))
    assert "alert_open" in plan(alerts.exclude(status="closed").order_by("-id")[:50])
    assert "entity_by_words" in plan(Entity.objects.filter(words__contains="OKAFOR"))
    assert "entity_by_name" in plan(Entity.objects.filter(name__iexact="bo"))


def test_a_database_without_trigrams_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ProgrammingError("permission denied to create extension")

    monkeypatch.setattr(TrigramExtension, "database_forwards", refuse)
    trigrams = importlib.import_module("alerts.migrations.0016_search_by_words").Trigrams()
    with pytest.raises(CommandError, match=r"CREATE EXTENSION pg_trgm.*permission denied"):
        trigrams.database_forwards("alerts", None, None, None)
