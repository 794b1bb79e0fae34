"""How indices lay out Okta's fields, and the detections that there are: the catalogue's, and those imported."""

from dataclasses import replace

from django.db import models

from monitors import definitions
from monitors.definitions import Definition
from monitors.profiles import Profile


class IndexProfile(models.Model):
    """How an index lays out Okta's fields, as last learnt from it."""

    pattern = models.CharField(
        max_length=200, unique=True, help_text="Index pattern, never an alias: okta-system-log-*"
    )
    learnt = models.JSONField(help_text="What profiles.learn() read from the index.")
    learnt_at = models.DateTimeField()
    corrections = models.JSONField(
        default=dict,
        blank=True,
        help_text='Okta field to the index\'s own name, over what was learnt: {"uuid": "event.id"}.',
    )

    event_types = models.JSONField(
        default=dict,
        help_text='What the index held in 30 days: {type: {"events": 12, "last": "2026-…", "days": {"2026-11-24": 12}}}.',
    )
    event_gaps = models.JSONField(
        default=list,
        help_text="Whole hours of the last two days without an event while their neighbours were busy, as ISO times.",
    )
    event_types_at = models.DateTimeField(null=True)
    newest_event_at = models.DateTimeField(null=True, help_text="The newest event that the index was seen to hold.")

    def __str__(self) -> str:
        return self.pattern

    def profile(self) -> Profile:
        """Return the layout for the renderer: what was learnt, and a person's corrections over it."""
        return self.corrected(Profile.from_json(self.learnt))

    def corrected(self, learnt: Profile) -> Profile:
        """Return a layout that was read of this pattern just now, with a person's corrections over it."""
        return replace(learnt, names={**learnt.names, **self.corrections})


class ImportedDetection(models.Model):
    """A detection that is not of the catalogue: a Sigma rule, as the content of a catalogue file."""

    slug = models.SlugField(primary_key=True, max_length=60)
    raw = models.JSONField()
    not_carried = models.JSONField(default=list, help_text="What of the rule could not be carried over.")
    imported_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.raw.get("title", self.slug))

    def definition(self) -> Definition:
        """Return the detection. Raises DefinitionError when a later schema refuses it."""
        return definitions.parse(self.raw)


def find_detection(detection_id: str) -> Definition:
    """Return a detection of the catalogue, or an imported one. Raises DefinitionError when there is none."""
    if detection_id not in definitions.detection_ids():
        imported = ImportedDetection.objects.filter(pk=detection_id).first()
        if imported is not None:
            return imported.definition()
    return definitions.detection(detection_id)


def every_detection() -> list[Definition]:
    """Return the catalogue, then what was imported."""
    return [*definitions.catalog().values(), *(row.definition() for row in ImportedDetection.objects.order_by("pk"))]
