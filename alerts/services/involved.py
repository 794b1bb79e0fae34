"""Who and what took part in what a finding tells: read of its events, and kept with its alert."""

from alerts.models import Alert, AlertEntity, Entity
from monitors.findings import Finding

MAX_ENTITIES = 26  # the alert's own, and one for each event that is told


def note(alert: Alert, finding: Finding) -> None:
    """Note who and what took part in the alert by what is told now, beside what was noted before."""
    found, countries = told(finding)
    known = set(countries) | set(alert.countries)
    if len(known) > len(alert.countries):
        alert.countries = sorted(known)[:MAX_ENTITIES]
        alert.save(update_fields=["countries", "updated_at"])
    links = AlertEntity.objects.filter(
        alert=alert, entity__kind__in={kind for kind, _, _ in found}, entity__value__in={value for _, value, _ in found}
    )
    noted = set(links.values_list("entity__kind", "entity__value", "role"))
    # one order for all, so that two transactions which name the same entities wait for each other and never deadlock
    wanted = sorted((pair for pair in found.items() if pair[0] not in noted), key=lambda pair: pair[0])
    if not wanted:
        return
    Entity.objects.bulk_create(
        [Entity(kind=kind, value=value, name=name) for (kind, value, _), name in wanted], ignore_conflicts=True
    )
    kinds, values = {kind for (kind, _, _), _ in wanted}, {value for (_, value, _), _ in wanted}
    rows = {(row.kind, row.value): row for row in Entity.objects.filter(kind__in=kinds, value__in=values)}
    AlertEntity.objects.bulk_create(
        [AlertEntity(alert=alert, entity=rows[kind, value], role=role) for (kind, value, role), _ in wanted],
        ignore_conflicts=True,
    )


def told(finding: Finding) -> tuple[dict[tuple[str, str, str], str], list[str]]:
    """
    Return who and what took part, as (kind, value, role) to its name, and the countries: the entity itself, and the addresses,
    devices and sessions of its events. At most MAX_ENTITIES, addresses before others: whether all of them are known decides much.
    """
    involved = {(finding.entity_type, finding.entity_id, "entity"): finding.entity_name}
    for event in finding.events:
        for key, kind, role in (
            ("ip", "ip", "source"),
            ("session", "session", "session"),
            ("device_token", "device", "device"),
        ):
            if event.get(key):
                involved.setdefault((kind, str(event[key])[:500], role), str(event[key])[:500])
        if finding.entity_type != "user" and event.get("user"):
            involved.setdefault(("user", str(event["user"]).lower()[:500], "tried"), str(event["user"])[:500])
    countries = {str(event["country"])[:80] for event in finding.events if event.get("country")}
    pairs = sorted(involved.items(), key=lambda pair: (pair[0][2] != "entity", pair[0][0] != "ip"))
    return dict(pairs[:MAX_ENTITIES]), sorted(countries)[:MAX_ENTITIES]
