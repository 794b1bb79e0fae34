"""Every detection proves itself in every layout, and the matrix in the docs says what was proved."""

from pathlib import Path

import pytest

from monitors.definitions import catalog
from monitors.management.commands.detections import matrix
from monitors.services import proving

pytestmark = pytest.mark.opensearch

MATRIX = Path(__file__).parents[2] / "docs" / "detection-matrix.md"


@pytest.fixture(scope="module")
def trials() -> list[proving.Trial]:
    return proving.prove(catalog().values())


def test_every_test_of_every_detection_passes_or_names_the_field_that_its_index_lacks(
    trials: list[proving.Trial],
) -> None:
    failed = [
        f"{one.detection} in {one.layout}: {one.case}: {one.reason}"
        for one in trials
        if not one.passed and not one.lacks
    ]
    assert failed == []


def test_every_detection_is_whole_in_our_own_layout_and_in_what_dynamic_mapping_makes(
    trials: list[proving.Trial],
) -> None:
    lacking = {
        (one.detection, one.lacks) for one in trials if one.lacks and one.layout in {"template", "dynamic", "prefix"}
    }
    assert lacking <= {("enrolment-shared-phone", "debugContext.debugData.phoneNumber")}


def test_a_gap_that_the_matrix_does_not_list_is_a_failure(trials: list[proving.Trial]) -> None:
    assert MATRIX.read_text() == matrix(trials), "run: manage.py detections test --matrix docs/detection-matrix.md"


def test_there_are_at_least_45_detections_each_silent_on_a_look_alike() -> None:
    assert len(catalog()) >= 45
    without = [one.id for one in catalog().values() if not any(test.get("look_alike") for test in one.raw["tests"])]
    assert without == []


def test_every_threshold_is_tried_one_below() -> None:
    """Each program detection fires in one test and is silent in another that lacks just a little."""
    for one in catalog().values():
        fires = {bool(test.get("fires", 1)) for test in one.raw["tests"]}
        assert fires == {True, False}, one.id
