"""The part of JQL that the stand-in understands, turned into SQL; all else is refused in Jira's words.

clause    = term { ("AND" | "OR") term }       AND binds closer
term      = "(" clause ")" | "NOT" term | field operator value
operator  = "=" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">=" | ["not"] "in" "(" value, … ")" | "is" ["not"] "empty"
value     = word | string | now() | startOfDay(["-1d"]) | endOfDay(["-1d"]) | currentUser()
          | linkedIssues(key) after "issue in" or "key in"
at the end: "ORDER BY" field ["ASC" | "DESC"] { "," … }
"""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from .jql_values import RESOLVERS, JqlError, call_function, moment
from .site import Person, Site

TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<symbol>!=|!~|<=|>=|[=~<>(),])|(?P<word>[^\s"'=~<>!(),]+))"""
)
EQUALITY = {"=", "!=", "in", "not in"}
ORDERED = EQUALITY | {"<", "<=", ">", ">="}
TEXT = {"~", "!~"}
EMPTY = {"is", "is not"}
# A field as people type it: the column, and what may be asked of it. Labels live in a table of their own.
FIELDS: dict[str, tuple[str, set[str]]] = {
    "project": ("project", EQUALITY),
    "key": ("key", EQUALITY),
    "issuekey": ("key", EQUALITY),
    "issue": ("key", EQUALITY),
    "id": ("id", EQUALITY),
    "status": ("status", EQUALITY),
    "statuscategory": ("status", EQUALITY),
    "issuetype": ("issuetype", EQUALITY),
    "type": ("issuetype", EQUALITY),
    "priority": ("priority", EQUALITY),
    "resolution": ("resolution", EQUALITY | EMPTY),
    "assignee": ("assignee", EQUALITY | EMPTY),
    "reporter": ("reporter", EQUALITY),
    "creator": ("reporter", EQUALITY),
    "level": ("security", EQUALITY | EMPTY),
    "component": ("component", EQUALITY | EMPTY),
    "labels": ("labels", EQUALITY | EMPTY),
    "summary": ("summary", TEXT),
    "description": ("description_text", TEXT),
    "comment": ("comment", TEXT),
    "text": ("text", TEXT),
    "created": ("created", ORDERED),
    "updated": ("updated", ORDERED),
    "resolved": ("resolved", ORDERED | EMPTY),
}
SORTABLE = {
    "key": "number",
    "issuekey": "number",
    "id": "id",
    "created": "created",
    "updated": "updated",
    "priority": "priority",
}


@dataclass(frozen=True)
class Query:
    """A query as SQL: a condition over the issue table (empty: no restriction), its parameters, and an order.

    ``keys`` are the keys that the query names: Jira refuses a query that names an issue which is not there.
    """

    where: str
    parameters: tuple[str | int, ...]
    order: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Token:
    """``kind`` is string, symbol or word; a string comes without its quotes. ``at`` counts characters from 1."""

    kind: str
    text: str
    at: int


def parse(text: str, site: Site, caller: Person | None = None, zone: ZoneInfo | None = None) -> Query:
    """Turn JQL into SQL, as the caller means it: by default the site's, in UTC. Raises ``JqlError``."""
    return _Parser(_tokens(text), site, caller or site.caller, zone or ZoneInfo("UTC")).query()


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            character = text[at:].strip()[0]
            raise JqlError(
                f"Error in the JQL Query: The character '{character}' is a reserved JQL character. "
                f"(line 1, character {at + 1})"
            )
        kind = match.lastgroup or "word"
        value = match[kind]
        if kind == "string":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        tokens.append(Token(kind, value, match.start(kind) + 1))
        at = match.end()
    return tokens


LABELS = "id IN (SELECT issue FROM label{})"
COMPONENTS = "EXISTS (SELECT 1 FROM json_each(issue.components){})"
COMMENTS = "EXISTS (SELECT 1 FROM comment WHERE comment.issue = issue.id AND body_text LIKE ? ESCAPE '\\')"
LINKED = (
    "id IN (SELECT CASE WHEN inward = e.id THEN outward ELSE inward END FROM link, "
    "(SELECT id FROM issue WHERE key = ?) AS e WHERE e.id IN (inward, outward))"
)


class _Parser:
    def __init__(self, tokens: list[Token], site: Site, caller: Person, zone: ZoneInfo) -> None:
        self.tokens = tokens
        self.site = site
        self.caller = caller
        self.zone = zone
        self.at = 0
        self.parameters: list[str | int] = []
        self.keys: list[str] = []

    # tokens

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these words or symbols, whatever their case."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return [t.text.lower() for t in ahead if t.kind != "string"] == list(words)

    def take(self, *words: str) -> bool:
        """Step over these words or symbols if they come next."""
        found = self.peek(*words)
        self.at += len(words) if found else 0
        return found

    def next(self, expected: str) -> Token:
        """The next token, which has to be there."""
        if self.at >= len(self.tokens):
            raise JqlError(f"Error in the JQL Query: Expecting {expected} before the end of the query.")
        self.at += 1
        return self.tokens[self.at - 1]

    def wrong(self, token: Token, expected: str) -> JqlError:
        return JqlError(
            f"Error in the JQL Query: Expecting {expected} but got '{token.text}'. (line 1, character {token.at})"
        )

    def expect(self, symbol: str) -> None:
        token = self.next(f"'{symbol}'")
        if token.kind == "string" or token.text != symbol:
            raise self.wrong(token, f"'{symbol}'")

    # grammar

    def query(self) -> Query:
        where = "" if not self.tokens or self.peek("order", "by") else self.any_of()
        order = self.order() if self.take("order", "by") else "created DESC, id DESC"
        if self.at < len(self.tokens):
            raise self.wrong(self.tokens[self.at], "either 'OR' or 'AND'")
        return Query(where, tuple(self.parameters), order, tuple(self.keys))

    def any_of(self) -> str:
        parts = [self.all_of()]
        while self.take("or"):
            parts.append(self.all_of())
        return "(" + " OR ".join(parts) + ")"

    def all_of(self) -> str:
        parts = [self.term()]
        while self.take("and"):
            parts.append(self.term())
        return "(" + " AND ".join(parts) + ")"

    def term(self) -> str:
        if self.take("("):
            inner = self.any_of()
            self.expect(")")
            return inner
        if self.take("not"):
            return f"NOT {self.term()}"
        name = self.next("a field name")
        if name.kind == "symbol":
            raise self.wrong(name, "either a value, list or function")
        field = FIELDS.get(name.text.lower())
        operator = self.operator()
        if field is None:
            raise JqlError(f"Field '{name.text}' does not exist or you do not have permission to view it.")
        column, operators = field
        if operator not in operators:
            raise JqlError(f"The operator '{operator}' is not supported by the '{name.text}' field.")
        if operator in EMPTY:
            return self.emptiness(column, operator)
        if column == "key" and operator in {"in", "not in"} and self.take("linkedissues", "("):
            return self.linked(operator)
        values = self.values() if operator in {"in", "not in"} else [self.value()]
        return self.condition(name.text.lower(), column, operator, values)

    def operator(self) -> str:
        for words in (("not", "in"), ("is", "not"), ("in",), ("is",)):
            if self.take(*words):
                return " ".join(words)
        token = self.next("an operator")
        if token.kind != "symbol" or token.text not in ORDERED | TEXT:
            raise self.wrong(token, "operator")
        return token.text

    def value(self) -> str:
        token = self.next("either a value, list or function")
        if token.kind == "symbol":
            raise self.wrong(token, "either a value, list or function")
        if token.kind == "word" and self.peek("("):
            return call_function(token.text, [] if self.take("(", ")") else self.values(), self.caller, self.zone)
        return token.text

    def values(self) -> list[str]:
        self.expect("(")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        self.expect(")")
        return values

    def order(self) -> str:
        parts = []
        while True:
            name = self.next("a field name")
            column = SORTABLE.get(name.text.lower())
            if column is None:
                raise JqlError(f"Not able to sort using field '{name.text}'.")
            direction = "DESC" if self.take("desc") else "ASC"
            self.take("asc")
            parts.append(f"{column} {direction}")
            if not self.take(","):
                return ", ".join(parts)

    # conditions

    def marks(self, values: list[str] | list[int]) -> str:
        self.parameters.extend(values)
        return ", ".join("?" for _ in values)

    def emptiness(self, column: str, operator: str) -> str:
        word = self.value()
        if word.lower() not in {"empty", "null"}:
            raise JqlError(f"Error in the JQL Query: Expecting 'EMPTY' or 'NULL' but got '{word}'.")
        negation = "NOT " if operator == "is not" else ""
        if column in {"labels", "component"}:
            return f"{negation}NOT {(LABELS if column == 'labels' else COMPONENTS).format('')}"
        return f"{negation}{column} IS NULL"

    def condition(self, name: str, column: str, operator: str, values: list[str]) -> str:
        if operator in TEXT:
            return ("NOT " if operator == "!~" else "") + self.contains(column, values[0])
        if column in {"created", "updated", "resolved"}:
            return f"{column} {operator} {self.marks([moment(name, value, self.zone) for value in values])}"
        negation = "NOT " if operator in {"!=", "not in"} else ""
        if column == "key":
            return negation + self.keyed([value.upper() for value in values])
        if column == "component":
            marks = self.marks(RESOLVERS[name](self.site, values))
            return negation + COMPONENTS.format(f" WHERE value IN ({marks})")
        if column == "labels":
            return negation + LABELS.format(f" WHERE label COLLATE NOCASE IN ({self.marks(values)})")
        # Jira leaves issues without a value out of both answers, and so does SQL's NULL.
        return f"{column} {negation}IN ({self.marks(RESOLVERS[name](self.site, values))})"

    def keyed(self, keys: list[str]) -> str:
        """Issues by their keys, or by those that they had before they were moved."""
        self.keys.extend(keys)
        now, former = self.marks(keys), self.marks(keys)
        return f"(key IN ({now}) OR id IN (SELECT issue FROM former_key WHERE key IN ({former})))"  # noqa: S608 - marks

    def linked(self, operator: str) -> str:
        """Issues that are linked to one."""
        key = self.value().upper()
        self.expect(")")
        self.keys.append(key)
        self.parameters.append(key)
        return ("NOT " if operator == "not in" else "") + LINKED

    def contains(self, column: str, phrase: str) -> str:
        """Every word has to be there, in any order and case, as part of longer words too; ``*`` and quotes are void."""
        columns = ("summary", "description_text", "comment") if column == "text" else (column,)
        words = [word for word in re.split(r"[\s\"*]+", phrase) if word]
        if not words:
            raise JqlError(f"The value '{phrase}' is not a valid text query.")
        conditions = []
        for word in words:
            pattern = "%" + re.sub(r"([%_\\])", r"\\\1", word) + "%"
            self.parameters.extend([pattern] * len(columns))
            conditions.append(
                "(" + " OR ".join(COMMENTS if c == "comment" else f"{c} LIKE ? ESCAPE '\\'" for c in columns) + ")"
            )
        return "(" + " AND ".join(conditions) + ")"
