"""Where SQLite and PostgreSQL need different SQL."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    TypeDecorator,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy import table as sql_table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import NullType

from indexer.store.names import fold_name

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

__all__ = [
    "N_VERSIONS",
    "VERSIONS_LOCK",
    "Integer64",
    "PathBytes",
    "PlainText",
    "contains_folded",
    "has_any_word",
    "has_part",
    "has_word_start",
    "lock_versions",
    "record_names",
    "server_metadata",
    "upsert",
]

VERSIONS_LOCK = 0x434F5356  # "COSV", the key of an advisory lock
# How many versions are kept. A server's catalog has vector files on many machines, each made from another version.
N_VERSIONS = {"sqlite": 1, "postgresql": 1_000_000}

Integer64 = BigInteger().with_variant(Integer, "sqlite")  # SQLite's INTEGER has 64 bits, and numbers rows by itself

server_metadata = MetaData()  # of the tables that only a server's catalog has

# PostgreSQL can't call `indexer.store.names.contains_folded`, so the folded form of each name is stored.
folded_names = Table(
    "folded_names",
    server_metadata,
    Column("name", LargeBinary, primary_key=True),  # a directory's path or a camera
    Column("folded", LargeBinary, nullable=False),
)


class PathBytes(TypeDecorator[Path]):
    """A path, stored as the bytes of the operating system: names need not be valid in any encoding."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> bytes | None:
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Path | None:
        return None if value is None else Path(os.fsdecode(value))


class PlainText(TypeDecorator[str]):
    """A text. PostgreSQL refuses NUL in texts, so it is left out there."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "") if value is not None and dialect.name == "postgresql" else value


class contains_folded(GenericFunction[bool]):  # noqa: N801
    """See `indexer.store.names.contains_folded`, which SQLite calls."""

    type = Boolean()
    inherit_cache = True


@compiles(contains_folded, "postgresql")
def _compile_contains_folded(element: contains_folded, compiler: SQLCompiler, **options: Any) -> str:
    column, part = element.clauses
    name = func.convert_to(column, "UTF8") if isinstance(column.type, Text | PlainText) else column
    containing = select(folded_names.c.name).where(func.position(part.op("IN")(folded_names.c.folded)) > 0)
    return compiler.process(name.in_(containing), **options)


class has_part(GenericFunction[Any]):  # noqa: N801
    """has_part(texts.id, texts.folded, part): the text contains a part of MIN_PART characters or more."""

    type = NullType()  # not Boolean, which SQLite lacks: "= 1" would be added, and keep it from using an index
    inherit_cache = True


class has_any_word(GenericFunction[Any]):  # noqa: N801
    """has_any_word(texts.id, texts.words, words): the text has one of some words, which are separated by blanks."""

    type = NullType()  # not Boolean, which SQLite lacks: "= 1" would be added, and keep it from using an index
    inherit_cache = True


class has_word_start(GenericFunction[Any]):  # noqa: N801
    """has_word_start(texts.id, texts.words, start): a word of the text begins so."""

    type = NullType()  # not Boolean, which SQLite lacks: "= 1" would be added, and keep it from using an index
    inherit_cache = True


@compiles(has_part, "sqlite")
def _compile_has_part(element: has_part, compiler: SQLCompiler, **options: Any) -> str:
    id_, _, part = element.clauses
    query = literal('"').concat(func.replace(part, '"', '""')).concat('"')
    return compiler.process(_match("text_parts", id_, query), **options)


@compiles(has_any_word, "sqlite")
def _compile_has_any_word(element: has_any_word, compiler: SQLCompiler, **options: Any) -> str:
    id_, _, words = element.clauses
    query = literal('"').concat(func.replace(words, " ", '" OR "')).concat('"')
    return compiler.process(_match("text_words", id_, query), **options)


@compiles(has_word_start, "sqlite")
def _compile_has_word_start(element: has_word_start, compiler: SQLCompiler, **options: Any) -> str:
    id_, _, start = element.clauses
    return compiler.process(_match("text_words", id_, literal('"').concat(start).concat('" *')), **options)


def _match(table: str, id_: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that a row of `texts` is found in a full-text table of SQLite."""
    found: Select[Any] = (
        select(literal_column("rowid")).select_from(sql_table(table)).where(literal_column(table).op("MATCH")(query))
    )
    return id_.in_(found)


@compiles(has_part, "postgresql")
def _compile_has_part_there(element: has_part, compiler: SQLCompiler, **options: Any) -> str:
    _, folded, part = element.clauses
    return compiler.process(folded.like(literal("%").concat(_escape_like(part)).concat("%"), escape="!"), **options)


@compiles(has_any_word, "postgresql")
def _compile_has_any_word_there(element: has_any_word, compiler: SQLCompiler, **options: Any) -> str:
    _, words, wanted = element.clauses
    return compiler.process(func.string_to_array(words, " ").op("&&")(func.string_to_array(wanted, " ")), **options)


@compiles(has_word_start, "postgresql")
def _compile_has_word_start_there(element: has_word_start, compiler: SQLCompiler, **options: Any) -> str:
    _, words, start = element.clauses
    pattern = literal("% ").concat(_escape_like(start)).concat("%")
    return compiler.process(literal(" ").concat(words).like(pattern, escape="!"), **options)


def _escape_like(part: ColumnElement[Any]) -> ColumnElement[Any]:
    escaped: ColumnElement[Any] = part
    for special in "!%_":
        escaped = func.replace(escaped, special, f"!{special}")
    return escaped


def upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # takes 40 ms

    return postgresql.insert(table)


def record_names(connection: Connection, names: Iterable[bytes | str | None]) -> None:
    """Make names known to `contains_folded`: paths of directories (bytes) and cameras. Not needed for SQLite."""
    if connection.dialect.name == "sqlite":
        return
    rows = {
        name.encode() if isinstance(name, str) else name: fold_name(name).encode("utf-8", "surrogatepass")
        for name in names
        if name is not None
    }
    values = [{"name": name, "folded": folded} for name, folded in sorted(rows.items())]
    if values:
        connection.execute(upsert(connection, folded_names).on_conflict_do_nothing(), values)


def lock_versions(connection: Connection) -> None:
    """Wait for other transactions that add a version, so that versions are numbered in the order of the commits.

    To be called last in a transaction. SQLite has one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(VERSIONS_LOCK)))
