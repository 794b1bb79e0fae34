"""Catalogue files become definitions, and what cannot be is refused with its reason."""

import copy
from typing import Any

import pytest

from monitors import definitions
from monitors.definitions import Parameter, catalog, detection, parse
from monitors.errors import DefinitionError
from monitors.profiles import lacks, template_profile


def raw() -> dict[str, Any]:
    return copy.deepcopy(dict(detection("brute-force-user").raw))


def test_every_detection_says_all_that_an_analyst_needs() -> None:
    for definition in catalog().values():
        assert definition.runbook, definition.id
        assert definition.runbook[0].startswith("Contain"), f"{definition.id}: containment comes first"
        assert definition.false_positives, definition.id
        assert definition.attack, definition.id
        assert all(parameter.source and parameter.help for parameter in definition.parameters.values()), definition.id


def test_every_detection_can_be_served_by_our_own_template() -> None:
    for definition in catalog().values():
        assert lacks(template_profile("okta-system-log-*"), definition.needs()) == [], definition.id


def test_an_unknown_key_is_refused_with_its_path() -> None:
    data = raw()
    data["entity"]["colour"] = "red"
    with pytest.raises(DefinitionError, match=r"\$\.entity"):
        parse(data)


def test_a_parameter_that_nobody_declared_is_refused() -> None:
    data = raw()
    data["settings"]["n"] = "$fails"
    with pytest.raises(DefinitionError, match=r"\$fails is no parameter"):
        parse(data)


def test_a_default_out_of_its_own_bounds_is_refused() -> None:
    data = raw()
    data["parameters"]["failures"]["default"] = 1
    with pytest.raises(DefinitionError, match="lies outside"):
        parse(data)


def test_the_catalogue_knows_no_detection_of_another_name() -> None:
    with pytest.raises(DefinitionError, match="no detection 'nothing'"):
        detection("nothing")


@pytest.mark.parametrize(
    ("value", "words"), [("20", "no number"), (True, "no number"), (1, "outside"), (2.5, "whole"), (None, "no number")]
)
def test_a_wrong_number_is_refused_in_words(value: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        detection("brute-force-user").values({"failures": value})


def test_a_list_is_trimmed_and_refuses_what_is_no_name() -> None:
    parameter = Parameter("zones", "list", "Zones", [], "help", "source")
    assert parameter.check([" VPN ", "Office"]) == ["VPN", "Office"]
    for wrong in ("VPN", [1], [""], None):
        with pytest.raises(DefinitionError):
            parameter.check(wrong)


def test_a_parameter_that_the_detection_does_not_have_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no parameter colour"):
        detection("brute-force-user").values({"colour": 1})


def test_severity_words_cover_all_five() -> None:
    assert list(definitions.SEVERITIES) == [1, 2, 3, 4, 5]
