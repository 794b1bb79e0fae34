"""Bringing others' detections in: Sigma rules become detections of ours, with what could not be carried over."""

from dataclasses import dataclass

from django.db import transaction

from core import activity
from core.models import Person
from monitors import definitions, sigma
from monitors.models import ImportedDetection


@dataclass(frozen=True)
class Result:
    """One rule that was taken: its detection, whether it is new, and what of it could not be carried over."""

    row: ImportedDetection
    made: bool


@transaction.atomic
def import_sigma(text: str, *, by: Person | str) -> list[Result]:
    """Take every rule of a file, or none of it. Raises DefinitionError with what is wrong."""
    results = []
    for rule in sigma.read(text):
        definitions.parse(rule.raw)
        row, made = ImportedDetection.objects.update_or_create(
            slug=rule.raw["id"], defaults={"raw": rule.raw, "not_carried": list(rule.not_carried)}
        )
        activity.record("detection.imported", row, by=by, made=made, not_carried=list(rule.not_carried))
        results.append(Result(row, made))
    return results
