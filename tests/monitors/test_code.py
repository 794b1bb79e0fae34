"""Monitors as files: what is written reads back the same, a plan tells what an apply does, and an apply does it once."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from core import clock
from core.activity import person_of
from core.models import Activity
from monitors import kept
from monitors.code import CodeError, monitor_of, read
from monitors.models import Deployment, Exclusion, Monitor, MonitorRevision, NamedList
from monitors.services import bulk, code, exclusions, push, revisions
from tests.factories import make_monitor, make_user

pytestmark = pytest.mark.django_db

OFFICE = [{"kind": "user", "list": "vips"}, {"kind": "address", "values": ["10.0.0.0/8"]}]


def a_team() -> Monitor:
    """Two monitors, a list, an exclusion of one monitor and one of all; return the first."""
    mira = person_of(make_user("mira"))
    NamedList.objects.create(name="vips", kind="user", description="The board", values=["ceo@example.com"])
    first = make_monitor("brute-force-user", name="Brute force", params={"failures": 30}, severity=2)
    second = make_monitor("impossible-travel", name="Journeys: too fast", enabled=False, severity=1)
    own = Exclusion(monitor=first, conditions=OFFICE, reason="Phones of the board", owner=mira)
    own.expires_at = clock.now().replace(microsecond=0) + timedelta(days=30)
    shared = Exclusion(conditions=[{"kind": "network", "values": ["64500"]}], reason="Our scanner")
    for monitor in (first, second):
        revisions.save(monitor, by="test")
    exclusions.save(own, by=mira)
    exclusions.save(shared, by=mira)
    return first


def changed(folder: Path, file: str, **values: Any) -> None:
    """Edit a file as a person does."""
    told = yaml.safe_load((folder / file).read_text())
    (folder / file).write_text(yaml.safe_dump({**told, **values}))


def command(*words: str) -> str:
    out = StringIO()
    call_command("monitors", *words, stdout=out, stderr=out)
    return out.getvalue()


def revision_of(monitor: Monitor) -> MonitorRevision:
    found = monitor.revisions.first()
    assert found is not None
    return found


def test_what_was_exported_needs_no_change_and_is_the_same_bytes_again(tmp_path: Path) -> None:
    a_team()
    before = MonitorRevision.objects.count(), Activity.objects.count()
    assert code.export(tmp_path) == ["brute-force.yaml", "exclusions.yaml", "journeys-too-fast.yaml", "lists.yaml"]
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert code.plan(tmp_path).changes == []
    assert code.apply(tmp_path, by="apply", reason="").changes == []
    assert (MonitorRevision.objects.count(), Activity.objects.count()) == before
    code.export(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_a_file_holds_what_differs_from_the_default_and_the_defaults_as_comments(tmp_path: Path) -> None:
    a_team()
    code.export(tmp_path)
    text = (tmp_path / "brute-force.yaml").read_text()
    assert yaml.safe_load(text)["params"] == {"failures": 30}
    assert "  # window_minutes: " in text
    assert "owner: mira" in text
    assert "list: vips" in text


def test_a_plan_says_what_an_apply_then_does_and_changes_nothing_itself(tmp_path: Path) -> None:
    monitor = a_team()
    code.export(tmp_path)
    changed(tmp_path, "brute-force.yaml", params={"failures": 45}, severity="critical")
    before = Activity.objects.count()
    planned = code.plan(tmp_path).changes
    assert Activity.objects.count() == before
    assert revision_of(monitor).inputs["params"]["failures"] == 30
    assert [(one.what, [(line.old, line.new) for line in one.lines]) for one in planned] == [
        ("monitor Brute force", [("high", "critical"), ("30", "45")])
    ]
    assert code.apply(tmp_path, by="apply", reason="9f2c1ab").changes == planned
    revision = revision_of(monitor)
    assert (revision.inputs["params"]["failures"], revision.program, revision.reason) == (45, "apply", "9f2c1ab")
    assert code.apply(tmp_path, by="apply", reason="").changes == []


def test_the_commands_exit_code_says_whether_there_is_something_to_do(tmp_path: Path) -> None:
    a_team()
    assert "4 files are written" in command("export", str(tmp_path))
    assert "Nothing to do" in command("plan", str(tmp_path))
    changed(tmp_path, "brute-force.yaml", params={"failures": 45})
    out = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("monitors", "plan", str(tmp_path), stdout=out)
    assert exit_.value.code == 2
    assert "30 → 45" in out.getvalue()
    assert "30 → 45" in command("apply", str(tmp_path))
    assert "Nothing to do" in command("plan", str(tmp_path))


def test_a_new_name_is_a_rename_and_two_may_swap_theirs(tmp_path: Path) -> None:
    first = a_team()
    code.export(tmp_path)
    changed(tmp_path, "brute-force.yaml", name="Journeys: too fast")
    changed(tmp_path, "journeys-too-fast.yaml", name="Brute force")
    code.apply(tmp_path, by="apply", reason="")
    first.refresh_from_db()
    assert (Monitor.objects.count(), first.name) == (2, "Journeys: too fast")
    code.export(tmp_path)
    assert f"uuid: {first.uuid}" in (tmp_path / "journeys-too-fast.yaml").read_text()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_by_hand_makes_a_monitor_with_the_detections_defaults(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("detection: push-fatigue\nname: Pushes\nparams: {refusals: 7}\n")
    assert [one.what for one in code.plan(tmp_path).changes] == ["monitor Pushes (new)"]
    assert Monitor.objects.count() == 0
    code.apply(tmp_path, by="apply", reason="")
    monitor = Monitor.objects.get()
    assert (monitor.severity, monitor.interval_seconds, monitor.params) == (
        monitor.definition().severity, 60, {"refusals": 7},
    )  # fmt: skip
    assert code.plan(tmp_path).changes == []


def test_another_installation_gets_the_same_monitors_with_the_same_identity(tmp_path: Path) -> None:
    monitor = a_team()
    code.export(tmp_path)
    Exclusion.objects.all().delete()
    Deployment.objects.all().delete()
    MonitorRevision.objects.all().delete()
    Monitor.objects.all().delete()
    NamedList.objects.all().delete()
    code.apply(tmp_path, by="apply", reason="")
    again = Monitor.objects.get(pk=monitor.pk)
    assert (again.name, again.params) == ("Brute force", {"failures": 30})
    assert [row.reason for row in again.exclusions_in_force()] == ["Our scanner", "Phones of the board"]
    assert revision_of(again).number == 1
    assert code.plan(tmp_path).changes == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("detection: no-such\nname: X\n", "x.yaml:1: The catalogue has no detection 'no-such'."),
        ("detection: brute-force-user\nname: X\nparams:\n  tries: 3\n", "x.yaml:4: Brute force on one user has no parameter tries"),
        ("detection: brute-force-user\nname: X\nparams:\n  failures: 1\n", "x.yaml:4: "),
        ("detection: brute-force-user\nname: X\nparam: {}\n", "x.yaml:3: nothing is called param here"),
        ("detection: brute-force-user\nname: X\nseverity: awful\n", "x.yaml:3: severity: 'awful' is not one of"),
        ("detection: brute-force-user\nname: X\nname: Y\n", "x.yaml:3: name stands here twice."),
        ("name: X\n", "x.yaml:1: name the detection"),
        ("detection: brute-force-user\nname: [\n", "x.yaml:3: "),
        ("detection: brute-force-user\nname: X\ninterval_seconds: 1\n", "x.yaml:3: "),
        ("detection: brute-force-user\nname: X\nexclusions:\n- reason: R\n  conditions:\n  - {kind: user, list: none}\n",
         "x.yaml:4: There is no list none."),
        ("detection: brute-force-user\nname: X\nexclusions:\n- reason: R\n  conditions:\n  - {kind: address, values: [here]}\n",
         "x.yaml:4: here is no address"),
        ("detection: brute-force-user\nname: X\nexclusions:\n- reason: R\n  until: soon\n  conditions:\n  - {kind: zone, values: [a]}\n",
         "x.yaml:5: 'soon' is no time"),
        ("detection: brute-force-user\nname: X\nexclusions:\n- reason: R\n  owner: nobody\n  conditions:\n  - {kind: zone, values: [a]}\n",
         "x.yaml:5: there is no user nobody."),
        ("imported: true\nuuid: 00000000-0000-0000-0000-000000000001\nname: X\n", "x.yaml:2: an imported monitor is imported"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_file_and_line_and_changes_nothing(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "x.yaml").write_text(text)
    (tmp_path / "good.yaml").write_text("detection: push-fatigue\nname: Good\n")
    with pytest.raises(CodeError) as error:
        code.apply(tmp_path, by="apply", reason="")
    assert any(problem.startswith(told) for problem in error.value.problems), error.value.problems
    assert (Monitor.objects.count(), Activity.objects.count()) == (0, 0)
    with pytest.raises(CommandError, match="Nothing was changed"):
        command("apply", str(tmp_path))


def test_two_files_may_not_claim_one_monitor(tmp_path: Path) -> None:
    a_team()
    code.export(tmp_path)
    (tmp_path / "copy.yaml").write_text((tmp_path / "brute-force.yaml").read_text())
    with pytest.raises(CodeError, match=r"copy\.yaml:2: brute-force\.yaml has the uuid"):
        code.plan(tmp_path)


def test_a_list_that_changes_revises_the_monitors_that_leave_it_out_once_each(tmp_path: Path) -> None:
    monitor = a_team()
    code.export(tmp_path)
    before = revision_of(monitor).number
    changed(tmp_path, "lists.yaml", vips={"kind": "user", "values": ["ceo@example.com", "cfo@example.com"]})
    changed(tmp_path, "brute-force.yaml", params={"failures": 31})
    told = {one.what for one in code.apply(tmp_path, by="apply", reason="").changes}
    assert told == {"list vips", "monitor Brute force"}
    assert revision_of(monitor).number == before + 1
    assert revision_of(monitor).inputs["lists"]["vips"]["values"] == 2


def test_the_exclusions_of_a_file_are_those_of_its_monitor(tmp_path: Path) -> None:
    monitor = a_team()
    code.export(tmp_path)
    row = Exclusion.objects.get(monitor=monitor)
    told = yaml.safe_load((tmp_path / "brute-force.yaml").read_text())["exclusions"]
    changed(tmp_path, "brute-force.yaml", exclusions=[{**told[0], "reason": "Phones and tablets of the board"}])
    code.apply(tmp_path, by="apply", reason="")
    assert Exclusion.objects.get(monitor=monitor).pk == row.pk
    changed(tmp_path, "brute-force.yaml", exclusions=[])
    assert any("Phones and tablets" in line.old for one in code.plan(tmp_path).changes for line in one.lines)
    code.apply(tmp_path, by="apply", reason="")
    assert not Exclusion.objects.filter(monitor=monitor).exists()


def test_what_has_ended_is_passed_over_and_said(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "detection: brute-force-user\nname: X\nexclusions:\n- reason: R\n  until: 2020-01-01\n"
        "  conditions:\n  - {kind: zone, values: [a]}\n"
    )
    outcome = code.apply(tmp_path, by="apply", reason="")
    assert outcome.notes == ["x.yaml:5: this exclusion has ended, and is passed over."]
    assert not Exclusion.objects.exists()


def test_what_is_only_here_is_said_and_left_alone(tmp_path: Path) -> None:
    a_team()
    code.export(tmp_path)
    for name in ("journeys-too-fast.yaml", "lists.yaml", "exclusions.yaml"):
        (tmp_path / name).unlink()
    outcome = code.apply(tmp_path, by="apply", reason="")
    assert (outcome.changes, outcome.only_here) == (
        [],
        ["monitor Journeys: too fast", "exclusion for all monitors: Our scanner", "list vips"],
    )
    assert "only here, in no file: list vips" in command("plan", str(tmp_path))


def test_pruning_pauses_monitors_and_deletes_them_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = a_team()
    code.export(tmp_path)
    (tmp_path / "brute-force.yaml").unlink()
    with pytest.raises(CommandError, match="give both"):
        command("apply", str(tmp_path), "--delete")
    command("apply", str(tmp_path), "--prune")
    monitor.refresh_from_db()
    assert (monitor.enabled, revision_of(monitor).inputs["enabled"]) == (False, False)
    removed: list[str] = []
    monkeypatch.setattr(push, "delete", lambda monitor, **_: removed.append(monitor.name))
    assert "deleted, here and in OpenSearch" in command("apply", str(tmp_path), "--prune", "--delete")
    assert removed == ["Brute force"]
    assert not Monitor.objects.filter(pk=monitor.pk).exists()


def test_an_apply_pushes_the_monitors_of_the_files_and_those_that_a_list_touches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = a_team()
    code.export(tmp_path)
    pushed: list[str] = []
    monkeypatch.setattr(bulk, "run", lambda job, **_: pushed.extend(job.monitors))
    (tmp_path / "brute-force.yaml").unlink()
    command("apply", str(tmp_path))
    assert pushed == []
    changed(tmp_path, "lists.yaml", vips={"kind": "user", "values": ["cfo@example.com"]})
    command("apply", str(tmp_path), "--push")
    assert set(pushed) == {str(pk) for pk in Monitor.objects.values_list("pk", flat=True)}
    assert str(monitor.pk) in pushed


def test_an_imported_monitor_keeps_its_search_and_follows_its_file(tmp_path: Path) -> None:
    body = {
        "name": "Theirs", "type": "monitor", "monitor_type": "query_level_monitor", "enabled": True,
        "schedule": {"period": {"interval": 5, "unit": "MINUTES"}},
        "inputs": [{"search": {"indices": ["okta-*"], "query": {"query": {"match_all": {}}}}}],
        "triggers": [{"query_level_trigger": {"id": "t", "name": "t", "severity": "3", "actions": []}}],
    }  # fmt: skip
    taken = kept.take(body, actions=kept.REPLACE)
    monitor = make_monitor("", name="Theirs", kept=taken, index_pattern="okta-*")
    revisions.save(monitor, by="test")
    code.export(tmp_path)
    assert code.plan(tmp_path).changes == []
    changed(tmp_path, "theirs.yaml", severity="critical")
    code.apply(tmp_path, by="apply", reason="")
    monitor.refresh_from_db()
    assert (monitor.severity, monitor.kept) == (1, taken)


def test_an_export_that_cannot_be_leaves_the_files_as_they_were(tmp_path: Path) -> None:
    monitor = a_team()
    code.export(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    Monitor.objects.filter(pk=monitor.pk).update(name="Another name")
    make_monitor("left-the-catalogue", name="Zebra")
    with pytest.raises(CommandError, match="no detection 'left-the-catalogue'"):
        command("export", str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_name_with_a_colon_a_newline_or_a_brace_reads_back_as_it_was(tmp_path: Path) -> None:
    for name in ('a: b # c "d"', "{x}", "- [", "多: ü"):
        monitor = make_monitor("push-fatigue", name=name)
        revisions.save(monitor, by="test")
    files = code.export(tmp_path)
    told = [
        monitor_of(read(name, (tmp_path / name).read_text()))
        for name in files
        if name not in {"lists.yaml", "exclusions.yaml"}
    ]
    assert {one.name for one in told} == set(Monitor.objects.values_list("name", flat=True))
    assert code.plan(tmp_path).changes == []
