"""What becomes of monitors when somebody is left out, a list changes, an exclusion ends, or a revision is brought back."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from core import clock
from core.models import Activity
from monitors.errors import DefinitionError, OpenSearchAway
from monitors.models import Deployment, Exclusion, Monitor, MonitorRevision, NamedList
from monitors.services import exclusions, lists, push, revisions
from tests.factories import ago, make_monitor, make_person

pytestmark = pytest.mark.django_db

ANNA = [{"kind": "user", "values": ["anna@example.com"]}]
VIPS = [{"kind": "user", "list": "vips"}, {"kind": "zone", "values": ["Office"]}]


def saved(detection: str = "brute-force-user", **fields: Any) -> Monitor:
    """A monitor that OpenSearch holds as it was saved first."""
    monitor = make_monitor(detection, **fields)
    in_sync(monitor)
    return monitor


def in_sync(monitor: Monitor) -> None:
    revision = revisions.save(monitor, by="test")
    Deployment.objects.filter(pk=monitor.pk).update(state=Deployment.State.IN_SYNC, revision=revision)


def state(monitor: Monitor) -> str:
    return Deployment.objects.get(pk=monitor.pk).state


def left_out(monitor: Monitor) -> list[str]:
    return [one["reason"] for one in newest(monitor).inputs["exclusions"]]


def newest(monitor: Monitor) -> MonitorRevision:
    found = monitor.revisions.first()
    assert found is not None
    return found


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the monitors that were pushed; the push itself only notes what it did."""
    names: list[str] = []

    def note(monitor: Monitor, **_: Any) -> None:
        names.append(monitor.name)
        Deployment.objects.filter(pk=monitor.pk).update(state="in_sync", revision=newest(monitor))

    monkeypatch.setattr(push, "push", note)
    return names


def test_an_exclusion_revises_the_monitors_that_it_touches_and_no_other() -> None:
    mine, same, other = saved(), saved(), saved("push-fatigue")
    anna = make_person()
    exclusions.save(Exclusion(detection="brute-force-user", conditions=ANNA, reason="tester", owner=anna), by=anna)
    assert (state(mine), state(same), state(other)) == ("changed", "changed", "in_sync")
    assert newest(mine).author == anna
    assert newest(mine).reason == "Leaves out user anna@example.com: tester"
    assert other.revisions.count() == 1
    exclusions.save(Exclusion(monitor=other, conditions=ANNA, reason="one", owner=anna), by=anna)
    assert (left_out(other), left_out(mine)) == (["one"], ["tester"])


def test_moving_and_deleting_an_exclusion_revises_whom_it_left() -> None:
    one, other = saved(), saved()
    row = Exclusion(monitor=one, conditions=ANNA, reason="tester")
    exclusions.save(row, by="test")
    row.monitor = other
    exclusions.save(row, by="test")
    assert (left_out(one), left_out(other)) == ([], ["tester"])
    exclusions.delete(row, by="test")
    assert left_out(other) == []
    assert newest(other).reason == "No longer leaves out user anna@example.com"
    assert Activity.objects.filter(action="exclusion.deleted").count() == 1


@pytest.mark.parametrize(
    ("conditions", "words"),
    [(VIPS, "no list vips"), ([{"kind": "zone", "list": "admins"}], "holds users"), ([], "leave out everything")],
)
def test_conditions_that_are_none_are_refused(conditions: Any, words: str) -> None:
    NamedList.objects.create(name="admins", kind="user", values=["root@example.com"])
    with pytest.raises(ValidationError, match=words):
        exclusions.save(Exclusion(conditions=conditions, reason="x"), by="test")


def test_a_list_that_changes_revises_its_users_and_what_is_rendered() -> None:
    monitor, other = saved(), saved("push-fatigue")
    vips = NamedList(name="vips", kind="user", values=["ceo@example.com"])
    lists.save(vips, by="test")
    exclusions.save(Exclusion(monitor=monitor, conditions=VIPS, reason="office"), by="test")
    before = newest(monitor)
    vips.values = ["ceo@example.com", "cfo@example.com"]
    lists.save(vips, by="test", reason="a new CFO")
    assert newest(monitor).number == before.number + 1
    assert newest(monitor).hash != before.hash
    assert newest(monitor).reason == "List vips: 1 added, 0 removed (a new CFO)"
    assert other.revisions.count() == 1
    assert revisions.inputs_of(monitor).exclusions[0].conditions[0].values == ("ceo@example.com", "cfo@example.com")


def test_a_list_in_use_stays_and_says_where_it_is_used() -> None:
    monitor = saved(name="Brute force")
    vips = NamedList.objects.create(name="vips", kind="user", values=["ceo@example.com"])
    row = Exclusion(monitor=monitor, conditions=VIPS, reason="office")
    exclusions.save(row, by="test")
    with pytest.raises(lists.ListInUse, match="“office” \\(monitor Brute force\\)"):
        lists.delete(vips, by="test")
    exclusions.delete(row, by="test")
    lists.delete(vips, by="test")
    assert not NamedList.objects.exists()


def test_a_pasted_list_says_what_came_twice_and_what_was_refused() -> None:
    told = lists.read("10.0.0.1\n\n 10.0.0.1 \nhome\n10.1.0.0/16\n", "address")
    assert told.values == ("10.0.0.1", "10.1.0.0/16")
    assert told.duplicates == 1
    assert len(told.refused) == 1
    assert told.refused[0].startswith("Line 4: home is no address")


def test_a_column_of_a_csv_file_is_named_by_its_heading_or_its_number() -> None:
    text = "\ufeffname,login\nAnna,anna@example.com\nBert,bert@example.com\n"
    assert lists.read(text, "user", column="Login").values == ("anna@example.com", "bert@example.com")
    assert lists.read(text, "user", column="1").values == ("name", "Anna", "Bert")
    with pytest.raises(DefinitionError, match="no column mail"):
        lists.read(text, "user", column="mail")


def ending(monitor: Monitor | None, reason: str = "for the move") -> Exclusion:
    """An exclusion in force that has since ended."""
    row = Exclusion(monitor=monitor, conditions=ANNA, reason=reason, expires_at=clock.now() + timedelta(hours=1))
    exclusions.save(row, by="test")
    for touched in Monitor.objects.all():
        in_sync(touched)
    Exclusion.objects.filter(pk=row.pk).update(expires_at=ago(seconds=1))
    return row


def test_an_exclusion_that_ended_is_revised_by_the_system_and_pushed_once(pushed: list[str]) -> None:
    monitor, other = saved(), saved()
    ending(monitor)
    assert exclusions.expire() == []
    assert exclusions.expire() == []
    assert pushed == [monitor.name]
    assert (newest(monitor).program, newest(monitor).author, left_out(monitor)) == ("expiry", None, [])
    assert "for the move" in newest(monitor).reason
    assert other.revisions.count() == 1


def test_a_monitor_with_changes_of_a_person_is_revised_and_not_pushed(pushed: list[str]) -> None:
    monitor = saved()
    ending(monitor)
    monitor.params = {"failures": 30}
    revisions.save(monitor, by=make_person())
    assert exclusions.expire() == []
    assert pushed == []
    assert (left_out(monitor), state(monitor)) == ([], "changed")


def test_a_monitor_that_drifted_is_not_pushed_over(pushed: list[str]) -> None:
    monitor = saved()
    ending(monitor)
    Deployment.objects.filter(pk=monitor.pk).update(state=Deployment.State.DRIFTED)
    assert exclusions.expire() == []
    assert pushed == []
    assert left_out(monitor) == []


def test_a_push_that_fails_is_tried_again_by_the_next_beat(monkeypatch: pytest.MonkeyPatch, pushed: list[str]) -> None:
    monitor = saved()
    ending(monitor)
    works = push.push

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("OpenSearch did not answer within 10 s.")

    monkeypatch.setattr(push, "push", away)
    assert exclusions.expire() == [f"{monitor}: OpenSearch did not answer within 10 s."]
    monkeypatch.setattr(push, "push", works)
    assert exclusions.expire() == []
    assert pushed == [monitor.name]
    assert monitor.revisions.filter(program="expiry").count() == 1


def test_a_roll_back_brings_settings_and_own_exclusions_back_as_a_new_revision() -> None:
    anna = make_person()
    monitor = saved(params={"failures": 20})
    row = Exclusion(monitor=monitor, conditions=ANNA, reason="tester", owner=anna)
    exclusions.save(row, by=anna)
    wanted = newest(monitor)
    exclusions.delete(row, by=anna)
    exclusions.save(Exclusion(monitor=monitor, conditions=VIPS[1:], reason="office"), by=anna)
    monitor.params, monitor.severity, monitor.enabled = {"failures": 50}, 5, False
    revisions.save(monitor, by=anna)

    told = revisions.restore(monitor, wanted, by=anna, reason="too quiet")
    assert told.left == ()
    assert told.revision.number == 6
    assert told.revision.reason == "Rolled back to revision 2: too quiet"
    assert told.revision.inputs == wanted.inputs
    assert told.revision.hash == wanted.hash
    monitor.refresh_from_db()
    assert (monitor.params["failures"], monitor.severity, monitor.enabled) == (20, 3, True)


def test_a_roll_back_says_what_it_could_not_bring_back() -> None:
    monitor = saved()
    row = ending(monitor)
    shared = Exclusion(conditions=ANNA, reason="everywhere")
    wanted = newest(monitor)
    exclusions.save(shared, by="test")
    MonitorRevision.objects.filter(pk=wanted.pk).update(
        inputs={
            **wanted.inputs,
            "params": {**wanted.inputs["params"], "gone": 1},
            "exclusions": [{**wanted.inputs["exclusions"][0], "expires_at": ago(hours=1).isoformat()}],
        }
    )
    wanted.refresh_from_db()
    told = revisions.restore(monitor, wanted, by="test")
    assert len(told.left) == 3
    assert "no parameter gone" in told.left[0]
    assert row.reason in told.left[1]
    assert "shared with other monitors" in told.left[2]
    assert left_out(monitor) == ["everywhere"]


def test_an_old_value_that_the_detection_no_longer_allows_is_refused_and_nothing_changes() -> None:
    monitor = saved()
    wanted = newest(monitor)
    MonitorRevision.objects.filter(pk=wanted.pk).update(inputs={**wanted.inputs, "params": {"failures": 0}})
    wanted.refresh_from_db()
    with pytest.raises(DefinitionError, match="cannot be brought back"):
        revisions.restore(monitor, wanted, by="test")
    assert monitor.revisions.count() == 1


def test_two_revisions_are_compared_in_words() -> None:
    monitor = saved(params={"failures": 20})
    before = newest(monitor)
    monitor.params, monitor.severity = {"failures": 25}, 2
    exclusions.save(Exclusion(monitor=monitor, conditions=ANNA, reason="tester"), by="test")
    after = revisions.save(monitor, by="test")
    told = revisions.changes(before.inputs, after.inputs, {"failures": "Failed sign-ins"})
    assert [(one.what, one.old, one.new) for one in told] == [
        ("Severity", "medium", "high"),
        ("Failed sign-ins", "20", "25"),
        ("Leaves out", "", "user anna@example.com (tester)"),
    ]


def test_many_exclusions_cost_no_more_queries(django_assert_num_queries: Any) -> None:
    monitor = saved()
    NamedList.objects.create(name="vips", kind="user", values=["ceo@example.com"])
    Exclusion.objects.bulk_create(Exclusion(monitor=monitor, conditions=VIPS, reason="x") for _ in range(300))
    with django_assert_num_queries(3):
        assert len(revisions.inputs_of(monitor).exclusions) == 300
