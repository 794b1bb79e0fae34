"""Which alerts a search means, and how the newest of them are found among a million: no plan of the database's own is right for all."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Upper

from alerts.models import Alert, AlertEntity, Entity, Ticket
from alerts.services.entities import KINDS, LETTERS
from core.queries import Prepared, Written, walking, written

FEW = 3_000  # so many keys are named in a query rather than looked for again
MANY = 20_000  # so many matches are sorted, rather than looked for from the newest back
WALKED = 4_000  # alerts, of which one in eighty must match to fill a page
NONE = Q(pk__in=())


@dataclass(frozen=True)
class Searched:
    """What a search narrows: a tab of the queue, and whether it holds whatever was decided too, and so only ever grows."""

    tab: QuerySet[Alert]
    grows: bool


EVERYTHING = Searched(Alert.objects.all(), grows=True)


def about(alerts: QuerySet[Alert], text: str) -> QuerySet[Alert]:
    """
    Narrow to those that a search means: what goes by a whole name, else where a sentence or a name holds the text.

    Whole names are those of who and what took part, and of tickets. One that could be a word of a sentence, as the login "admin",
    is looked for in both ways. Fewer than LETTERS letters have no trigram to be found by, and are taken for a whole name.
    """
    [(ticketed, is_called)] = CALLED.rows(key=text.upper(), name=text)
    called = Q(entity_name__iexact=text)
    involved = naming(text, KINDS, alone=not (ticketed or is_called))
    whole = (called if is_called else NONE) | (Q(case__any_of=ticketed) if ticketed else NONE) | involved
    is_word = len(text) >= LETTERS and text.isalpha()
    is_known = not is_word and (bool(ticketed) or is_called or involved != NONE)
    if is_known or len(text) < LETTERS:
        return alerts.filter(whole)
    return alerts.filter(Q(words__contains=Upper(Value(text))) | whole)


def _called(key: str, name: str) -> Written:
    tickets, its_values = written(Ticket.objects.filter(key=key).order_by().values("pk"))
    alerts, their_values = written(Alert.objects.filter(entity_name__iexact=name).order_by().values("pk"))
    return f"SELECT ARRAY({tickets}), EXISTS({alerts})", (*its_values, *their_values)


CALLED = Prepared(_called, key="a key", name="a name")


def settled(
    alerts: QuerySet[Alert], limit: int, *, before: int | None = None, searched_in: Searched | None = None
) -> QuerySet[Alert]:
    """Narrow to some of them, in no order, among which stand the newest `limit`; all as in `newest`, which is asked for a search alone."""
    if searched_in is None:
        return _below(alerts, before)
    return Alert.objects.filter(pk__any_of=newest(alerts, limit, before=before, searched_in=searched_in))


def newest(
    alerts: QuerySet[Alert], limit: int, *, before: int | None = None, searched_in: Searched | None = None
) -> list[int]:
    """
    Return the keys of the newest `limit` of them (below a key where one is given), newest first.

    For a search, nobody can know how many match: the database walks back from the newest of all until the page is full if it believes
    that many do, and finds all of them first otherwise; where it is wrong, it reads a million rows. So each of a small tab is looked
    at; in a large one they are looked for among the newest WALKED, then all of them, unless they are MANY.
    """
    keys = _below(alerts, before).values_list("pk", flat=True)
    if searched_in is None:
        return list(keys.order_by("-id")[:limit])
    if not searched_in.grows and searched_in.tab.order_by()[: FEW + 1].count() <= FEW:
        with walking():
            return list(keys.order_by("-id")[:limit])
    top = before or max((row[0] for row in LATEST.rows()), default=0) + 1
    with walking():
        found = list(keys.filter(pk__gte=top - WALKED).order_by("-id")[:limit])
    return found if len(found) == limit else _of_all(keys, limit)


def _below(alerts: QuerySet[Alert], before: int | None) -> QuerySet[Alert]:
    return alerts.filter(pk__lt=before) if before else alerts


LATEST = Prepared(lambda: written(Alert.objects.order_by("-id").values_list("pk")[:1]))


def _of_all(keys: QuerySet[Alert, int], limit: int) -> list[int]:
    """Return the newest of all keys that match: all are found first, unless they are MANY."""
    try:
        sql, values = written(keys.order_by()[: MANY + 1])
    except EmptyResultSet:  # nobody goes by what was asked for
        return []
    with connection.cursor() as cursor:
        listed = f"SELECT pk, count(*) OVER () FROM ({sql}) found (pk) ORDER BY pk DESC LIMIT {limit}"  # noqa: S608 - Django's own SQL
        cursor.execute(listed, values)
        found = cursor.fetchall()
    return list(keys.order_by("-id")[:limit]) if found and found[0][1] > MANY else [key for key, _ in found]


def naming(value: str, kinds: Iterable[str], *, alone: bool = True) -> Q:
    """
    Return what holds of the alerts in which exactly that took part, in whatever role; NONE where none is.

    Say so where it does not stand `alone` but beside an "or": Postgres would then read all of somebody's fifty thousand alerts first.
    """
    [(rows, alerts)] = NAMED.rows(values=[value, value.lower()], kinds=list(kinds))
    if not alerts:
        return NONE
    links = AlertEntity.objects.filter(entity__in=rows)
    if alerts > FEW:
        of_it = links.filter(alert=OuterRef("pk"))
        return Q(Exists(of_it)) if alone else Q(pk=Subquery(of_it.values("alert")[:1]))
    return Q(pk__any_of=ArraySubquery(links.order_by().values("alert")))


def _named(values: list[str], kinds: list[str]) -> Written:
    entities = Entity.objects.filter(kind__any_of=kinds, value__any_of=values).order_by().values("pk")
    keys, its_values = written(entities)
    links, their_values = written(AlertEntity.objects.filter(entity__in=entities).order_by().values("pk")[: FEW + 1])
    return f"SELECT ARRAY({keys}), (SELECT count(*) FROM ({links}) links)", (*its_values, *their_values)  # noqa: S608 - Django's own SQL


NAMED = Prepared(_named, values=["a value"], kinds=["a kind"])
