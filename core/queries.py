"""What the ORM does not do by itself, where every page waits for it: many keys as one value, and SQL that is written once."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from django.db import connection, transaction
from django.db.models import Field, ForeignObject, Lookup, Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler
from psycopg import ClientCursor

Written = tuple[str, tuple[Any, ...]]
"""SQL and the values of its places."""

M = TypeVar("M", bound=Model)
_numbers = itertools.count(1)


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup[Any]):
    """
    As `in`, but the values go as one array: two thousand of them cost a tenth as much to write down.

    An ArraySubquery may stand for them, which Postgres asks first and by itself, whatever else the query asks.
    """

    lookup_name = "any_of"

    def get_prep_lookup(self) -> Any:
        """Take the values as they are: keys, of the column's own type."""
        return self.rhs if hasattr(self.rhs, "resolve_expression") else list(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Written:
        """Return the comparison with all of them."""
        column, values = self.process_lhs(compiler, connection)
        keys, their_values = self.process_rhs(compiler, connection)
        return f"{column} = ANY({keys})", (*values, *their_values)


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
    A query that Django writes once, and Postgres plans once for each connection: both take longer than to answer it.

    `write` gets a stand-in for each value that differs from one time to the next, of its type and equal to no other value in it.
    """

    def __init__(self, write: Callable[..., Written], **stand_ins: Any) -> None:
        self.write, self.stand_ins = write, stand_ins
        self.name = f"prepared_{next(_numbers)}"
        self.held_by: WeakSet[Any] = WeakSet()  # connections, and a rollback takes nothing back

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Ask it with these values, one for each stand-in; the rows are as the database has them."""
        with connection.cursor() as cursor:
            cursor.execute(*self.call(**values))
            return list(cursor.fetchall())

    def call(self, **values: Any) -> Written:
        """Return what asks it with these values, on this connection."""
        with connection.cursor() as cursor:
            if connection.connection not in self.held_by:
                cursor.execute(f"PREPARE {self.name} AS {self.text}")
                self.held_by.add(connection.connection)
        given = f"({', '.join('%s' for _ in self.stand_ins)})" if self.stand_ins else ""
        return f"EXECUTE {self.name}{given}", tuple(values[name] for name in self.stand_ins)

    @cached_property
    def text(self) -> str:
        """The SQL, with its constants, and $1 and so on where the values go. It needs an open connection, which says how to quote."""
        sql, places = self.write(**self.stand_ins)
        numbers = [self._number(place) for place in places]
        numbered = sql.replace("%%", "%%%%") % tuple(f"${number}" if number else "%s" for number in numbers)
        constants = [place for place, number in zip(places, numbers, strict=True) if not number]
        return ClientCursor(connection.connection).mogrify(numbered, constants)

    def _number(self, place: Any) -> int:
        return next((number for number, value in enumerate(self.stand_ins.values(), 1) if value == place), 0)


class PreparedModels(Generic[M]):
    """As Prepared, but for models, with what `select_related` joins to them: `make` returns a queryset, which must prefetch nothing."""

    def __init__(self, make: Callable[..., QuerySet[M]], **stand_ins: Any) -> None:
        self.make, self.stand_ins = make, stand_ins
        self.query = Prepared(lambda **values: written(make(**values)), **stand_ins)

    def all(self, **values: Any) -> list[M]:
        """Ask it with these values, one for each stand-in."""
        call, compiler = self.query.call(**values), copy(self.compiler)
        compiler.connection, compiler.as_sql = connection, lambda *_, **__: call  # type: ignore[method-assign]
        query = SimpleNamespace(get_compiler=lambda **_: compiler)
        asked: Any = SimpleNamespace(db=connection.alias, query=query, _known_related_objects={})
        return list(ModelIterable(asked))

    @cached_property
    def compiler(self) -> SQLCompiler:
        """What wrote the SQL, and so knows which column of it goes into which field."""
        compiler: SQLCompiler = self.make(**self.stand_ins).query.get_compiler(connection.alias)
        compiler.as_sql()
        return compiler


def written(rows: QuerySet[Any, Any]) -> Written:
    """Return the SQL of a queryset. Raises EmptyResultSet for one that is sure to be empty, as `filter(pk__in=())` is."""
    sql, values = rows.query.sql_with_params()
    return sql, tuple(values)


def one_row(parts: Iterable[Written]) -> Written:
    """Return a row of the rows of several queries, beside one another; each must have exactly one."""
    numbered = list(enumerate(parts))
    tables = ", ".join(f"({sql}) part{number}" for number, (sql, _) in numbered)
    return f"SELECT * FROM {tables}", tuple(value for _, (_, values) in numbered for value in values)  # noqa: S608 - Django's own SQL
