"""Who or what monitors leave out, and the lists that a team keeps for it."""

from django.core.exceptions import ValidationError
from django.db import models

from core import clock
from core.models import Person
from monitors import exclusions
from monitors.errors import DefinitionError
from monitors.models.monitor import Monitor
from monitors.profiles import template_profile


class Exclusion(models.Model):
    """Who or what a monitor leaves out (conditions joined by *and*), why, by whom, until when. Without a monitor it is every monitor's."""

    monitor = models.ForeignKey(Monitor, null=True, blank=True, on_delete=models.CASCADE, related_name="exclusions")
    detection = models.CharField(
        max_length=60, blank=True, help_text="Without a monitor: only for monitors of this detection."
    )
    conditions = models.JSONField(help_text='[{"kind": "user", "values": ["anna@example.com"]}], joined by and.')
    reason = models.CharField(max_length=300)
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.reason

    @property
    def is_in_force(self) -> bool:
        """Whether it has not ended yet."""
        return self.expires_at is None or self.expires_at > clock.now()

    def clean(self) -> None:
        """Refuse conditions that are none, that no search can hold, or that name a list of something else."""
        names = [one["list"] for one in self.conditions if one.get("list")]
        lists = {row.name: row for row in NamedList.objects.filter(name__in=names)}
        try:
            told = exclusions.Exclusion.from_json(self.conditions, {name: row.values for name, row in lists.items()})
            for condition in told.conditions:
                kind = lists[condition.named].kind if condition.named else condition.kind
                if kind != condition.kind:
                    raise DefinitionError(f"The list {condition.named} holds {exclusions.KINDS[kind].plural}.")
            exclusions.clause(told, template_profile(""))
        except DefinitionError as error:
            raise ValidationError(str(error)) from error


class NamedList(models.Model):
    """
    Values that several exclusions share: administrators, VIPs, service accounts.

    No event says who belongs to a group, so it is kept here.
    """

    name = models.SlugField(max_length=60, unique=True, help_text="How conditions name it: service-accounts.")
    kind = models.CharField(
        max_length=20, help_text="What its values are, as a condition says it: user, address, network …"
    )
    description = models.CharField(max_length=300, blank=True)
    values = models.JSONField(default=list, help_text="Texts, one each.")
    owner = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
