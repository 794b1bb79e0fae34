"""
The detections of the four families against labelled events that others published (tests/data/okta-cases, Apache-2.0).

Each sequence is indexed as our template maps it and searched with the publisher's own parameters. Where we disagree, DISAGREEMENTS
says why; a test fails when a disagreement appears that it does not list, or when one that it lists is gone.
"""

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitors import opensearch
from monitors.definitions import detection
from monitors.profiles import learn
from monitors.rendering import Inputs
from monitors.services import search
from tests.monitors.indexing import index_by_template

pytestmark = pytest.mark.opensearch

CASES = Path(__file__).parents[1] / "data" / "okta-cases"

FAMILIES = {
    "impossible_travel": "impossible-travel",
    "brute_force_then_success": "failures-then-success",
    "brute_force_then_success_then_admin": "failures-then-success",
    "mfa_fatigue": "push-fatigue-success",
}
RENAMED = {
    "speed_kmh_gt": "max_kmh",
    "min_km": "min_km",
    "window_min": "window_minutes",
    "min_failures": "failures",
    "min_unique_ips": "addresses",
    "min_denials": "refusals",
}
NO_SUCCESS = (
    "The case holds challenges, one refusal and no accepted push. Ours fires when fatigue worked; fatigue that did not is "
    "another detection."
)
DISAGREEMENTS = {
    "msaad-golden-okta_mfa_fatigue_raw": NO_SUCCESS,
    "msaad-mfa-oie_generic_failure_okta_verify_fires": NO_SUCCESS,
    "msaad-mfa-out_of_order_sorted": NO_SUCCESS,
    "msaad-mfa-repeated_push_denials_fire": NO_SUCCESS,
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CASES / name).read_text().splitlines() if line.strip()]


def sequences() -> list[Any]:
    return [pytest.param(case, id=case["case_id"]) for case in rows("sequences.ndjson") if case["family"] in FAMILIES]


def fired(detection_id: str, events: list[dict[str, Any]], **params: Any) -> int:
    """Return how many findings the detection has over these events, looking back from just after the last."""
    events = [{**event, "uuid": str(uuid.uuid4())} for event in events]  # some sequences repeat uuids
    definition = detection(detection_id)
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events)
    times = sorted(datetime.fromisoformat(event["published"]) for event in events)
    inputs = Inputs(
        definition=definition,
        params={name: value for name, value in params.items() if name in definition.parameters},
        profile=learn(pattern, opensearch.field_caps(pattern)),
        monitor_uuid="u",
        name="n",
        severity=definition.severity,
        interval_seconds=60,
        emit_seconds=int((times[-1] - times[0]).total_seconds()) + 60,
    )
    end = times[-1] + timedelta(seconds=1)
    return len(search.run_whole(inputs, end_ms=int(end.timestamp() * 1000)))


@pytest.mark.parametrize("case", sequences())
def test_a_labelled_sequence_is_judged_as_its_publisher_says_or_the_disagreement_is_explained(
    case: dict[str, Any],
) -> None:
    params = {RENAMED[name]: value for name, value in (case["rule_params"] or {}).items() if name in RENAMED}
    agrees = bool(fired(FAMILIES[case["family"]], case["events"], **params)) == case["expected"]
    assert agrees == (case["case_id"] not in DISAGREEMENTS)


def test_every_disagreement_names_a_case_that_exists() -> None:
    assert set(DISAGREEMENTS) <= {case["case_id"] for case in rows("sequences.ndjson")}


def test_the_stolen_sequence_that_ends_in_a_grant_is_also_told_by_the_grant() -> None:
    case = next(case for case in rows("sequences.ndjson") if case["family"] == "brute_force_then_success_then_admin")
    assert fired("admin-role-granted", case["events"]) == 1


GRANTS = {"Okta.AdminRoleAssigned", "Okta.Group.Admin.Role.Assigned"}


@pytest.mark.parametrize(
    "case", [pytest.param(row, id=row["test_name"]) for row in rows("single_events.ndjson") if row["rule_id"] in GRANTS]
)
def test_a_single_grant_is_judged_as_its_publisher_says(case: dict[str, Any]) -> None:
    assert bool(fired("admin-role-granted", [case["event"]])) == case["expected"]


BRUTE = [row for row in rows("single_events.ndjson") if row["rule_id"] == "Standard.BruteForceByUser"]


@pytest.mark.parametrize("case", [pytest.param(row, id=row["test_name"]) for row in BRUTE])
def test_an_event_of_a_threshold_rule_counts_as_its_publisher_says(case: dict[str, Any]) -> None:
    assert bool(fired("brute-force-user", [case["event"]] * case["threshold"])) == case["expected"]
