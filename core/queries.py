"""What the ORM does not do by itself, where every page waits for it: many keys as one value, and SQL that is written once."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models import Field, ForeignObject, Lookup, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Written = tuple[str, tuple[Any, ...]]
"""SQL and the values of its places."""


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup[Any]):
    """As `in`, but the values go as one array: two thousand of them cost a tenth as much to write down."""

    lookup_name = "any_of"

    def get_prep_lookup(self) -> list[Any]:
        """Take the values as they are: keys, of the column's own type."""
        return list(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Written:
        """Return the comparison with all of them."""
        column, values = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*values, self.rhs)


@contextmanager
def walking() -> Iterator[None]:
    """
    Have the planner walk one index from its end, whatever others promise: what they take for rare may be common.

    Use it only for what such a walk soon ends.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan TO off")
        yield
        cursor.execute("SET LOCAL enable_bitmapscan TO DEFAULT")


class Prepared:
    """
    A query whose SQL is written when it is first asked: writing it takes Django longer than Postgres takes to answer it.

    `write` gets a stand-in for each value that differs from one time to the next, of its type and equal to no other value in it.
    """

    def __init__(self, write: Callable[..., Written], **stand_ins: Any) -> None:
        self.write, self.stand_ins = write, stand_ins

    @cached_property
    def written(self) -> Written:
        """The SQL, with the stand-ins in their places."""
        return self.write(**self.stand_ins)

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Ask it with these values, one for each stand-in; the rows are as the database has them."""
        sql, places = self.written
        real = {self.stand_ins[name]: value for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(sql, [real.get(place, place) for place in places])
            return list(cursor.fetchall())


def written(rows: QuerySet[Any, Any]) -> Written:
    """Return the SQL of a queryset. Raises EmptyResultSet for one that is sure to be empty, as `filter(pk__in=())` is."""
    sql, values = rows.query.sql_with_params()
    return sql, tuple(values)


def one_row(parts: Iterable[Written]) -> Written:
    """Return a row of the rows of several queries, beside one another; each must have exactly one."""
    numbered = list(enumerate(parts))
    tables = ", ".join(f"({sql}) part{number}" for number, (sql, _) in numbered)
    return f"SELECT * FROM {tables}", tuple(value for _, (_, values) in numbered for value in values)  # noqa: S608 - Django's own SQL
