"""Sigma rules for Okta become detections that are pushed and fire; what is not carried over is said."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from core import clock
from monitors import opensearch, sigma
from monitors.definitions import parse
from monitors.errors import DefinitionError, MissingField
from monitors.models import ImportedDetection, Monitor, find_detection
from monitors.profiles import Profile, learn, template_profile
from monitors.rendering import Inputs, monitor
from monitors.services import importing, push, revisions, search
from tests.events import event, user_target
from tests.factories import make_user
from tests.monitors.indexing import index_by_template, index_dynamically

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

RULES = """
title: Password Of Another Reset By A Contractor
id: 11111111-2222-4333-8444-555555555555
status: test
description: A contractor reset somebody's password.
level: high
logsource: {product: okta, service: okta}
tags: [attack.persistence, attack.t1098]
falsepositives: [Help desk]
references: [https://example.com/rule]
fields: [actor.alternateid]
detection:
  selection:
    eventtype:
      - user.account.reset_password
      - user.account.update_password
    outcome.result: SUCCESS
  contractor:
    actor.alternateid|endswith: '@contractors.example.com'
  filter:
    target.displayname|contains: 'Test {{account}}'
  condition: selection and contractor and not filter
---
title: Zone Deleted
id: 11111111-2222-4333-8444-666666666666
status: test
level: medium
logsource: {product: okta, service: okta}
detection:
  selection:
    eventtype: zone.delete
  condition: selection
"""


def rule(**changes: Any) -> str:
    told = {
        "title": "Odd",
        "status": "test",
        "logsource": {"product": "okta"},
        "detection": {"selection": {"eventtype": "x"}, "condition": "selection"},
    }
    return json.dumps({**told, **changes})


def test_each_rule_of_a_file_is_a_match_with_what_it_says_of_itself() -> None:
    first, second = sigma.read(RULES)
    definition = parse(first.raw)
    assert (definition.id, definition.shape, definition.severity) == (
        "sigma-password-of-another-reset-by-a-contractor",
        "match",
        2,
    )
    assert (definition.attack, definition.false_positives) == (("T1098",), ("Help desk",))
    assert {"eventType", "outcome.result", "actor.alternateId", "target.displayName"} <= set(definition.needs())
    assert any("list of fields" in lost for lost in first.not_carried)
    assert any("case" in lost for lost in second.not_carried)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "no YAML"),
        ("- 1", "no Sigma rule"),
        (rule(logsource={"product": "windows"}), "windows, not okta"),
        (rule(detection={"selection": {"mood": "x"}, "condition": "selection"}), "mood cannot be carried over"),
        (rule(detection={"selection": {"eventtype": "x"}, "condition": "absent"}), "absent"),
        (json.dumps({"title": "C", "correlation": {"type": "event_count"}}), "correlation"),
    ],
)
def test_what_cannot_be_carried_over_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        list(sigma.read(text))


def test_an_index_without_a_field_of_the_rule_is_refused_by_name() -> None:
    with pytest.raises(MissingField, match="eventType"):
        sigma.lucene(RULES.split("---")[1], Profile("poor-*", {}))


def test_a_rules_values_open_no_mustache_tag() -> None:
    definition = parse(next(sigma.read(RULES)).raw)
    inputs = Inputs(definition, {}, template_profile("okta-*"), "u", "n", 2, 60)
    body = json.dumps(monitor(inputs, channel_id="c", revision=1, enabled=True, enabled_time_ms=0)["inputs"])
    assert "{{account" not in body


def reset(user: str, target: str = "bert", **changes: Any) -> dict[str, Any]:
    told = {"alternate_id": f"{user}@contractors.example.com", "user": user, "targets": [user_target(target)]}
    return event("user.account.reset_password", NOON - timedelta(minutes=1), **{**told, **changes})


@pytest.mark.opensearch
@pytest.mark.parametrize("layout", [index_by_template, index_dynamically])
def test_an_imported_rule_fires_and_stays_silent_in_both_layouts(layout: Any) -> None:
    test_account = [{"id": "00ut", "type": "User", "alternateId": "t@example.com", "displayName": "Test {{account}} 7"}]
    events = [
        reset("eve"),
        reset("mallory", targets=test_account),
        reset("trent", alternate_id="trent@example.com"),
        reset("oscar", result="FAILURE"),
    ]
    pattern = layout(f"t-{uuid.uuid4().hex[:12]}", events)
    definition = parse(next(sigma.read(RULES)).raw)
    inputs = Inputs(definition, {}, learn(pattern, opensearch.field_caps(pattern)), "u", "n", 2, 60)
    answer = search.run(inputs, end_ms=clock.to_ms(NOON))
    assert answer.whole, answer.faults
    assert [finding.entity_id for finding in answer.findings] == ["00ueve"]


@pytest.mark.opensearch
@pytest.mark.django_db(transaction=True)
def test_an_imported_rule_is_pushed_and_runs_as_a_monitor(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "wrong.yml").write_text(rule(logsource={"product": "aws"}))
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 files were not imported"):
        call_command("detections", "import-sigma", str(tmp_path), stdout=out, stderr=StringIO())
    assert "sigma-zone-deleted imported" in out.getvalue()
    assert "not carried over" in out.getvalue()
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [reset("eve")])
    made = Monitor(
        detection="sigma-password-of-another-reset-by-a-contractor",
        name="Imported",
        index_pattern=pattern,
        severity=2,
        interval_seconds=3600,
    )
    revisions.save(made, by="test")
    deployment = push.push(made, by="test")
    ran = opensearch.call(
        "POST",
        f"{opensearch.MONITORS}/{deployment.opensearch_id}/_execute",
        params={"dryrun": "true", "period_end": f"{clock.to_ms(NOON)}ms"},
    )
    assert ran["error"] is None
    assert ran["trigger_results"][str(made.uuid)]["triggered"] is True
    assert ran["input_results"]["results"][0]["hits"]["total"]["value"] == 1
    opensearch.delete_monitor(deployment.opensearch_id)


@pytest.mark.django_db
def test_a_rule_imported_again_replaces_the_first_and_a_bad_file_brings_nothing() -> None:
    importing.import_sigma(RULES, by="test")
    importing.import_sigma(RULES.replace("level: high", "level: low"), by="test")
    assert ImportedDetection.objects.count() == 2
    assert find_detection("sigma-password-of-another-reset-by-a-contractor").severity == 4
    with pytest.raises(DefinitionError):
        importing.import_sigma(rule(title="Fine") + "\n---\n" + rule(logsource={"product": "aws"}), by="test")
    assert ImportedDetection.objects.count() == 2


@pytest.mark.django_db
def test_rules_are_uploaded_in_the_admin_and_offered_for_monitors(client: Client) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    address = "/admin/monitors/importeddetection/add/"
    page = client.post(address, {"file": SimpleUploadedFile("r.yml", RULES.encode())}, follow=True).content.decode()
    assert "Zone Deleted imported" in page
    assert "?detection=sigma-zone-deleted" in client.get("/admin/monitors/monitor/add/").content.decode()
    wrong = client.post(address, {"file": SimpleUploadedFile("r.yml", b"a: [")}).content.decode()
    assert "It is no YAML" in wrong
