"""Suppressions: what they hide is kept and owes nothing; what they do not is seen; and everything comes back."""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from alerts.models import Alert, Case, Rehearsal, Suppression, TicketOperation
from alerts.rules import Rule
from alerts.services import bulk, following, hiding, ingest, measures, policies, suppression, triage
from alerts.services.alerting import Outcome, take
from alerts.services.suppression import NeedsConfirmation, NotSuppressed, Wanted
from core import clock
from core.activity import history
from core.models import Person
from tests.alerts.test_alerting import DELIVERY, ORIGIN, finding
from tests.alerts.test_policies import origin
from tests.factories import ago, involve, make_alert, make_monitor, make_person, make_ticket

pytestmark = pytest.mark.django_db

HERE = "203.0.113.7"  # where `finding()` comes from


def wanted(by: Person, *, days: float = 7, reason: str = "The scanner of the office", **conditions: Any) -> Wanted:
    told = [
        {"kind": kind, "values": [one] if isinstance(one, str) else one}
        for kind, one in (conditions or {"address": HERE}).items()
    ]
    return Wanted(Rule.from_json(told), reason, by, clock.now() + timedelta(days=days))


def make(by: Person | None = None, **changes: Any) -> Suppression:
    person = by or make_person()
    return suppression.make(wanted(person, **changes), person)


def tell(*args: float, where: Any = ORIGIN, **changes: Any) -> Outcome:
    outcome = take(finding(*args, **changes), where, delivery=DELIVERY, rules=hiding.InForce())
    outcome.occurrence.alert.refresh_from_db()
    return outcome


def events(*addresses: str, country: str = "") -> list[dict[str, Any]]:
    return [
        {"t": 1, "uuid": f"e-{address}", "ip": address, **({"country": country} if country else {})}
        for address in addresses
    ]


def actions(row: Any) -> list[str]:
    return [line.action for line in history(row).order_by("id")]


def test_what_a_rule_hides_is_kept_closed_and_owes_no_ticket() -> None:
    row = make()
    outcome = tell()
    alert = outcome.occurrence.alert
    assert outcome.new_alert
    assert (alert.status, alert.verdict, alert.suppressed_by) == ("closed", "", row)
    assert alert.verdict_reason == f"Suppressed by {row}: The scanner of the office"
    assert not TicketOperation.objects.exists()
    assert actions(alert) == ["alert.opened", "alert.suppressed"]


@pytest.mark.parametrize("policy", policies.Policy.values)
def test_whatever_the_policy_it_has_a_case_of_its_own_and_brought_back_it_owes_by_policy(policy: str) -> None:
    first = tell(entity_name="", events=events("198.51.100.1")).occurrence.alert  # seen, with its ticket
    row = make()
    hidden = tell(where=origin(policy), severity=5).occurrence.alert
    assert hidden.case != first.case
    assert TicketOperation.objects.count() == 1
    suppression.withdraw(row.pk, row.owner)
    suppression.bring_back(hidden.pk, row.owner)
    hidden.refresh_from_db()
    assert (hidden.status, hidden.suppressed_by, hidden.verdict_reason, hidden.closed_at) == ("new", None, "", None)
    owed = {"own": ["create", "create", "link"], "join": ["comment", "create"], "score": ["create"]}
    assert sorted(TicketOperation.objects.values_list("kind", flat=True)) == owed[policy]
    assert Case.objects.filter(alerts=None).count() == 0
    assert actions(hidden)[-1] == "alert.unsuppressed"


def test_seen_again_it_stays_hidden_as_the_same_alert() -> None:
    row = make()
    first = tell().occurrence.alert
    again = tell(600, 610)
    alert = again.occurrence.alert
    assert (alert, again.new_occurrence, again.new_alert) == (first, True, False)
    assert (alert.occurrence_count, alert.suppressed_by, alert.status) == (2, row, "closed")
    assert actions(alert)[-1] == "alert.stayed_suppressed"
    assert not TicketOperation.objects.exists()


def test_seen_again_from_elsewhere_it_is_a_new_alert_with_a_ticket() -> None:
    make()
    first = tell().occurrence.alert
    second = tell(600, 610, events=events(HERE, "198.51.100.1")).occurrence.alert
    assert second != first
    assert (second.status, second.suppressed_by) == ("new", None)
    assert TicketOperation.objects.filter(kind="create", alert=second).count() == 1


def test_one_that_grows_beyond_its_rule_comes_back_by_itself() -> None:
    make()
    tell()
    alert = tell(0, 20, count=30, events=events(HERE, "198.51.100.1")).occurrence.alert
    assert (alert.status, alert.suppressed_by) == ("new", None)
    assert TicketOperation.objects.filter(kind="create", alert=alert).count() == 1
    assert actions(alert)[-1] == "alert.unsuppressed"


def test_one_that_grows_within_its_rule_stays_hidden_and_says_what_is_newest() -> None:
    row = make()
    tell()
    alert = tell(0, 20, count=30, sentence="30 failed sign-ins").occurrence.alert
    assert (alert.suppressed_by, alert.sentence) == (row, "30 failed sign-ins")


def test_what_goes_on_after_the_rule_ended_is_seen() -> None:
    row = make()
    tell()
    suppression.withdraw(row.pk, row.owner)
    grown = tell(0, 20, count=30).occurrence.alert
    assert grown.status == "new"


def test_after_the_rule_ended_what_comes_is_a_new_alert_and_the_hidden_one_stays() -> None:
    row = make(days=1)
    hidden = tell().occurrence.alert
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        assert hiding.note_expired() == 1
        assert hiding.note_expired() == 0
        second = tell(600, 610).occurrence.alert
    hidden.refresh_from_db()
    assert (hidden.suppressed_by, second.suppressed_by, second.status) == (row, None, "new")
    assert actions(row) == ["suppression.made", "suppression.expired"]


def test_an_open_alert_is_left_alone_by_a_rule_that_is_made_later() -> None:
    alert = tell().occurrence.alert
    make()
    assert tell(600, 610).occurrence.alert == alert
    alert.refresh_from_db()
    assert (alert.status, alert.suppressed_by) == ("new", None)


def test_rehearsals_and_our_own_faults_are_never_hidden() -> None:
    make(entity=["00uanna", "away"])
    played = Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x")
    rehearsed = tell(where=origin("own").__class__(played.monitor, "t", "x", "", {}, rehearsal=played)).occurrence.alert
    fault = tell(entity_type="monitor", entity_id="away", entity_name="OpenSearch").occurrence.alert
    assert (rehearsed.suppressed_by, fault.suppressed_by) == (None, None)
    assert fault.status == "new"


def test_nobody_hides_alerts_about_themself() -> None:
    anna = make_person()
    Person.objects.filter(pk=anna.pk).update(email="anna@example.com")
    anna.refresh_from_db()
    make(anna)
    assert tell().occurrence.alert.suppressed_by is None
    make(make_person())
    assert tell(600, 610, entity_id="00uother", entity_name="o@example.com").occurrence.alert.suppressed_by is not None


def test_a_hidden_alert_is_not_reopened_past_its_ticket() -> None:
    row = make()
    alert = tell().occurrence.alert
    with pytest.raises(triage.NotNow, match="Bring it back"):
        triage.reopen(alert.pk, row.owner)


def test_a_hidden_alert_beside_an_open_one_about_the_same_stays() -> None:
    row = make()
    hidden = tell().occurrence.alert
    seen = tell(600, 610, events=events("198.51.100.1")).occurrence.alert
    with pytest.raises(triage.NotNow, match=str(seen)):
        suppression.bring_back(hidden.pk, row.owner)
    hidden.refresh_from_db()
    assert hidden.suppressed_by == row


def test_everything_that_an_ended_rule_hid_comes_back_at_once() -> None:
    row = make()
    people = [f"00u{number}" for number in range(3)]
    hidden = [tell(entity_id=one, entity_name=one).occurrence.alert for one in people]
    with pytest.raises(NotSuppressed, match="in force"):
        suppression.to_bring_back(row)
    row = suppression.withdraw(row.pk, row.owner)
    job = bulk.ask(bulk.Kind.BRING_BACK, row.owner, suppression.to_bring_back(row))
    assert [said for _, _, said in job.results] == ["New again."] * 3
    assert not bulk.can_undo(job)
    assert set(Alert.objects.filter(status="new")) == set(hidden)
    assert TicketOperation.objects.filter(kind="create").count() == 3
    assert suppression.to_bring_back(row) == []


def test_twice_brought_back_owes_one_ticket() -> None:
    row = make()
    alert = tell().occurrence.alert
    suppression.bring_back(alert.pk, row.owner)
    with pytest.raises(triage.NotNow, match="not suppressed any more"):
        suppression.bring_back(alert.pk, row.owner)
    assert TicketOperation.objects.count() == 1


def test_one_query_a_delivery_however_many_rules_and_findings(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        make(entity=f"00u{number}")
    rules = hiding.InForce()
    with django_assert_num_queries(1):
        for number in range(20):
            ORIGIN.hiding(finding(entity_id=f"00u{number}"), rules)


def test_a_delivery_that_opens_nothing_asks_for_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    tell()
    monkeypatch.setattr(hiding, "in_force", lambda: asked.append(1))
    ingest.take_all([finding()], ORIGIN, delivery=DELIVERY, rules=hiding.InForce())
    assert asked == []


# people


@pytest.mark.parametrize(
    ("changes", "words"), [({"days": 91}, "90 days"), ({"days": -1}, "90 days"), ({"reason": " "}, "why")]
)
def test_a_rule_has_a_reason_and_an_end(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotSuppressed, match=words):
        make(**changes)
    assert not Suppression.objects.exists()


def test_a_rule_is_changed_and_withdrawn_with_its_history() -> None:
    row, other = make(), make_person()
    suppression.change(row.pk, wanted(row.owner, reason="Longer", days=30, country="Germany"), other)
    row = suppression.withdraw(row.pk, other)
    assert (row.words, row.reason, row.author, row.is_in_force) == ("country Germany", "Longer", other, False)
    assert actions(row) == ["suppression.made", "suppression.changed", "suppression.withdrawn"]
    changed = history(row).get(action="suppression.changed")
    assert changed.data["was"]["conditions"] == [{"kind": "address", "values": [HERE]}]
    with pytest.raises(NotSuppressed, match="ended"):
        suppression.withdraw(row.pk, other)
    with pytest.raises(NotSuppressed, match="ended"):
        suppression.change(row.pk, wanted(other), other)


def test_a_true_positive_that_it_would_have_hidden_asks_for_a_second_word() -> None:
    person = make_person()
    alert = make_alert(verdict="true_positive", status="closed")
    involve(alert, "ip", HERE, "source")
    with pytest.raises(NeedsConfirmation) as asked:
        suppression.make(wanted(person), person)
    assert asked.value.preview.true_positives == 1
    assert suppression.make(wanted(person), person, confirmed=True).is_in_force


def test_the_preview_counts_by_verdict_and_leaves_out_what_is_never_hidden() -> None:
    for verdict in ["false_positive"] * 3 + ["true_positive", ""]:
        involve(make_alert(verdict=verdict), "ip", HERE, "source")
    involve(make_alert(entity_type="monitor"), "ip", HERE, "source")
    played = Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x")
    involve(make_alert(rehearsal=played), "ip", HERE, "source")
    old = make_alert()
    involve(old, "ip", HERE, "source")
    Alert.objects.filter(pk=old.pk).update(created_at=ago(days=31))
    told = suppression.preview(wanted(make_person()).rule)
    assert (told.alerts, told.is_cut) == (5, False)
    assert told.verdicts == [("True positive", 1), ("False positive", 3), ("not judged", 1)]
    assert len(told.newest) == 5


def test_a_preview_that_looks_at_a_part_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        involve(make_alert(), "ip", HERE, "source")
    rule = wanted(make_person()).rule
    monkeypatch.setattr(suppression, "MAX_PLAYED", 3)
    assert suppression.preview(rule).is_cut
    monkeypatch.setattr(suppression, "MAX_PLAYED", 5)
    assert not suppression.preview(rule).is_cut
    monkeypatch.setattr(suppression, "MAX_LOOKED", 2)
    assert suppression.preview(rule).is_cut


def test_a_preview_costs_the_same_however_much_it_finds(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rule = wanted(make_person(), address="203.0.113.0/24", country="Germany").rule
    for number in (2, 30):
        for _ in range(number):
            involve(make_alert(countries=["Germany"]), "ip", HERE, "source")
        with django_assert_num_queries(5):
            assert suppression.preview(rule).alerts >= number


PLACES = ["Germany", "France", "germany", "Singapore", "\u212aenya"]
ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.7.7", "203.0.113.7", "2001:db8::1", "2001:DB8:0::1", "unknown", "10.0.0.1 "]
NAMES = ["anna@example.com", "Anna@Example.com", "00uanna", "\u212aim", "Kim", "‮txe", "0oawiki"]


def some(choice: random.Random, values: Iterable[str], most: int) -> list[str]:
    return choice.sample(list(values), choice.randint(0, most))


@pytest.mark.parametrize("seed", range(8))
def test_the_preview_says_exactly_what_the_ingest_hides(seed: int) -> None:
    """Alerts are made by the ingest without rules; then the same findings meet a rule. Both name the same ones."""
    choice = random.Random(seed)
    rule, person = None, make_person()
    while rule is None:
        kinds = {
            "detection": some(choice, ["Brute force", "Other"], 1),
            "entity": some(choice, NAMES, 3),
            "address": some(choice, ["10.0.0.0/24", "10.0.0.1", "2001:db8::/32", "203.0.113.7", "10.0.0.2"], 4),
            "country": some(choice, PLACES, 3),
            "application": some(choice, ["0oawiki"], 1),
        }
        try:
            kept = choice.sample(list(kinds.items()), choice.randint(1, 2))
            rule = Rule.from_json([{"kind": kind, "values": values} for kind, values in kept if values])
        except ValueError:
            continue
    findings = [
        finding(
            entity_type=choice.choice(["user", "user", "app", "ip"]),
            entity_id=f"{choice.choice([*NAMES, *ADDRESSES])}",
            entity_name=choice.choice(NAMES),
            events=[
                event
                for address in some(choice, ADDRESSES, 3)
                for event in events(address, country=choice.choice(["", *PLACES]))
            ],
        )
        for _ in range(40)
    ]
    findings = list({(one.entity_type, one.entity_id): one for one in findings}.values())
    with transaction.atomic():
        for one in findings:
            take(one, ORIGIN, delivery=DELIVERY, rules=None)
        told = suppression.preview(rule)
        named = {(alert.entity_type, alert.entity_id) for alert in told.newest}
        transaction.set_rollback(True)
    row = Suppression.objects.create(
        conditions=rule.to_json(), reason="x", owner=person, author=person, expires_at=clock.now() + timedelta(days=1)
    )
    for one in findings:
        take(one, ORIGIN, delivery=DELIVERY, rules=hiding.InForce())
    hidden = set(Alert.objects.filter(suppressed_by=row).values_list("entity_type", "entity_id"))
    assert len(hidden) == told.alerts
    assert named <= hidden


def test_measures_count_what_is_suppressed_apart() -> None:
    make()
    tell()
    make_alert(detection="Brute force", verdict="false_positive")
    told = {one.detection: one for one in measures.detections(7)}
    assert (told["Brute force"].alerts, told["Brute force"].suppressed) == (1, 1)
    assert measures.times(7)[0].alerts == 1


def test_reopening_a_ticket_in_jira_opens_nothing_that_is_suppressed(settings: Settings) -> None:
    settings.OKTADETECT_JIRA_CLOSE_POLICY = "both"
    make()
    closed, hidden = make_alert(status="closed", closed_at=ago(minutes=9)), tell().occurrence.alert
    Alert.objects.filter(pk=hidden.pk).update(case=closed.case, closed_at=clock.now())
    assert following.ticket_reopened(make_ticket(closed), "jira") == 1
    hidden.refresh_from_db()
    assert hidden.status == "closed"


def test_the_database_keeps_a_suppressed_alert_closed() -> None:
    make()
    hidden = tell().occurrence.alert
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=hidden.pk).update(status="new")
