"""JSON: one object a line, arrays, exports of search engines with their records nested a few levels deep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from emberwatch.core.patterns import lazy
from emberwatch.parsing.base import (
    ANYBODY,
    Noise,
    Outcome,
    ParseContext,
    Reject,
    RejectReason,
    SourceKind,
)
from emberwatch.parsing.column_names import name_rank, named_columns, role_and_rank
from emberwatch.parsing.columns import Column, ColumnMap, Role
from emberwatch.parsing.decoding import decode
from emberwatch.parsing.json_cut import Document, Json, documents, is_keyed
from emberwatch.parsing.pieces import Piece, pieces_of_chunks, pieces_of_lines
from emberwatch.parsing.rows import outcome_of
from emberwatch.parsing.samples import shape_of

_SURE: Final = 0.98
_OBJECT: Final = lazy(rb"\{\0?\s*\0?[\"\r\n]")
_ADDRESS: Final = lazy(r"[^\s@]{1,64}@(?:[\w-]+\.)+[\w-]{2,}")
_LOGIN: Final = "login"
_PASSWORD: Final = "password"  # noqa: S105 - a field's name
_SAMPLE: Final = 50
_DEEPEST: Final = 4

Flat: TypeAlias = dict[str, list[str]]
Roles: TypeAlias = Callable[[str], Role]


class JsonRecords:
    """Objects with a login and a secret among their values, at whatever depth."""

    name = "json"
    kind = SourceKind.BREACH

    def sniff(self, head: bytes, name: str) -> float:  # noqa: ARG002 - the name tells nothing here
        if _OBJECT.search(head) is None:
            return 0.0
        if is_keyed(b"\n".join(piece.data for piece in pieces_of_chunks([head]))):
            return _SURE
        found = _documents_of(head)
        values = [document.value for document in found if document.value is not None]
        if not any(map(_is_record, values)):
            return 0.0
        first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
        return _SURE if first in (b"{", b"[") or len(values) > len(found) / 2 else 0.0

    def columns(self, head: bytes) -> ColumnMap | None:
        values = [document.value for document in _documents_of(head) if document.value is not None]
        records = [flat for value in values for flat in _records(value, _role_of_path)][:_SAMPLE]
        records = records or [_flat(value) for value in values[:_SAMPLE]]
        names = list(dict.fromkeys(name for flat in records for name in flat))
        if not names:
            return None
        shown = {
            name: tuple(shape_of(flat[name][0]) for flat in records if flat.get(name))[:3] for name in names
        }
        named = named_columns(names)
        return ColumnMap(tuple(Column(c.name, c.role, shown[c.name]) for c in named))

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return _outcomes(pieces_of_lines(lines), context)

    def parse_stream(self, chunks: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return _outcomes(pieces_of_chunks(chunks), context)


def _documents_of(head: bytes) -> list[Document]:
    *pieces, last = pieces_of_chunks([head or b" "])
    # The head may end anywhere: what its last line begins is not broken.
    pieces.append(last._replace(ends=False))
    return list(islice(documents(pieces, _is_record, only_head=True), _SAMPLE))


def _outcomes(pieces: Iterable[Piece], context: ParseContext) -> Iterator[Outcome]:
    roles = _roles_of(context.columns) if context.columns else _role_of_path
    for document in documents(pieces, _is_record):
        if document.value is None:
            reason = RejectReason.LINE_TOO_LONG if document.cut else RejectReason.UNREADABLE
            yield Reject(document.line, reason, shape_of(decode(document.text)[0]))
        else:
            yield from _of_document(document, document.value, roles, context)


def _of_document(document: Document, value: Json, roles: Roles, context: ParseContext) -> Iterator[Outcome]:
    flags = decode(document.text)[1]
    none = True
    for flat in _records(value, roles):
        none = False
        yield outcome_of(document.line, _by_role(flat, roles), context, flags)
    if none:
        yield _without_record(document.line, value, roles, context)


def _without_record(line: int, value: Json, roles: Roles, context: ParseContext) -> Outcome:
    """An object in which no login stands beside a secret."""
    flat = _flat(value)
    if any(roles(path) in (Role.LOGIN, Role.USER_NAME, Role.PASSWORD, Role.HASH) for path in flat):
        return outcome_of(line, _by_role(flat, roles), context)
    ours = context.is_ours
    if ours is not None and any(ours(text) for path in flat for text in (path, *flat[path])):
        return Reject(line, RejectReason.AMBIGUOUS, shape_of(next(iter(flat), "")))
    return Noise(line)


def _records(value: Json, roles: Roles, depth: int = 0) -> Iterator[Flat]:
    """The parts of an object that are credentials: it itself, what stands under addresses, the objects in lists."""
    inner = [*_keyed(value), *(i for items in _lists(value) for i in items)] if depth < _DEEPEST else []
    found = [flat for item in inner for flat in _records(item, roles, depth + 1)]
    own = _flat({key: item for key, item in value.items() if not _ADDRESS.fullmatch(key)})
    if not found and _complete(own, roles):
        yield own
        return
    if found and _complete(own, roles):
        yield own
    for flat in found:
        yield {**{path: v for path, v in own.items() if roles(path) not in _KEPT_APART}, **flat}


_KEPT_APART: Final = frozenset({Role.PASSWORD, Role.HASH, Role.SALT, Role.URL, Role.IGNORED})


def _complete(flat: Flat, roles: Roles) -> bool:
    held = {roles(path) for path, values in flat.items() if values}
    return bool(held & {Role.LOGIN, Role.USER_NAME}) and bool(held & {Role.PASSWORD, Role.HASH})


def _keyed(value: Json) -> Iterator[Json]:
    """``{"u@contoso.example": "secret"}``, or with an object for the secret."""
    for key, item in value.items():
        if _ADDRESS.fullmatch(key):
            if isinstance(item, str):
                yield {_LOGIN: key, _PASSWORD: item}
            elif isinstance(item, dict):
                yield {_LOGIN: key, **item}


def _lists(value: Mapping[str, object], depth: int = 0) -> Iterator[list[Json]]:
    for item in value.values():
        if isinstance(item, list):
            yield [part for part in item if isinstance(part, dict)]
        elif isinstance(item, dict) and depth < _DEEPEST:
            yield from _lists(item, depth + 1)


def _flat(value: Mapping[str, object], prefix: str = "", depth: int = 0) -> Flat:
    """Every scalar by its path; lists of scalars keep all their values."""
    flat: Flat = {}
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, dict):
            if depth < _DEEPEST:
                flat.update(_flat(item, f"{path}.", depth + 1))
        elif isinstance(item, list):
            flat[path] = [text for part in item if (text := _text(part)) is not None]
        elif (text := _text(item)) is not None:
            flat[path] = [text]
        else:
            flat[path] = []
    return flat


def _text(value: object) -> str | None:
    if isinstance(value, str):
        # A lone half of a surrogate pair cannot be stored; what it stood for is lost.
        return value.encode("utf-8", "replace").decode() if _has_surrogate(value) else value
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return None
    return str(value)


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def _by_role(flat: Flat, roles: Roles) -> dict[Role, list[tuple[str, str]]]:
    values: dict[Role, list[tuple[str, str]]] = {}
    for path, texts in flat.items():
        role = roles(path)
        if role is not Role.IGNORED:
            values.setdefault(role, []).extend((path, text) for text in texts if text)
    for role, found in values.items():
        if len(found) > 1:
            found.sort(key=lambda one: name_rank(one[0], role))
    return values


@lru_cache(maxsize=4096)
def _role_of_path(path: str) -> Role:
    return role_and_rank(path.rpartition(".")[2])[0]


def _roles_of(columns: ColumnMap) -> Roles:
    by_name = {column.name: column.role for column in columns.columns}
    # What appears only further down in the file was shown to nobody, and is taken for what its name says.
    return lambda path: by_name[path] if path in by_name else _role_of_path(path)


def _is_record(value: Json) -> bool:
    return next(_records(value, _role_of_path), None) is not None
