"""Writes parsed credentials to the store: one row a pair, one sighting a place."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import uuid_utils
from django.db import connection, transaction

from emberwatch.engine.facts import announce
from emberwatch.exposures.features import character_classes
from emberwatch.exposures.models import DateBasis, ExposureKind
from emberwatch.exposures.policy import LeakDate, best_date
from emberwatch.exposures.services import secret_context_of
from emberwatch.ingestion.cookies import CookieRecorder
from emberwatch.ingestion.machines import Machines, storable
from emberwatch.ingestion.origins import Sources, row_date
from emberwatch.ingestion.staging import insert_credentials, insert_sightings
from emberwatch.matching.domains import DomainSet, ascii_domain, canonical_login
from emberwatch.matching.watchlist import Watchlist
from emberwatch.parsing.base import Match, ParsedCredential, SourceKind
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.parsing.urls import host_of
from emberwatch.vault.services import tenant_vault


@dataclass(frozen=True, slots=True)
class Origin:
    """What holds for all of an import: whose it is, what it is called and what its importer stated."""

    tenant_id: UUID
    import_id: UUID | None
    file_name: str
    source_kind: str
    """As stated; empty lets each part say."""
    source_name: str
    stated_at: datetime | None
    breached_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What holds for all credentials of one file of a leak."""

    file_name: str
    kind: str
    machine: MachineFacts | None = None
    machine_key: str = ""


@dataclass(slots=True)
class _Seen:
    """A credential at a place, with what the store needs to know of it."""

    found: ParsedCredential
    part: Part
    canonical: str
    print_: bytes
    place: bytes
    source_id: UUID
    source_kind: str
    machine_id: UUID | None
    leaked: LeakDate


@dataclass(slots=True)
class Stored:
    """What became of a batch: ids of the new credentials, and how many entries were seen before."""

    new: list[str] = field(default_factory=list)
    duplicate: int = 0


Id: TypeAlias = UUID | uuid_utils.UUID
"""The second sort is made and printed several times as fast; the database takes both."""

_RANK: Final = {basis: rank for rank, basis in enumerate(DateBasis)}

_LOOK_UP: Final = """
SELECT c.fingerprint, c.id
FROM (SELECT substring(%b::bytea FROM n * 32 + 1 FOR 32) AS fingerprint FROM generate_series(0, %s) AS n) AS sought
JOIN exposures_credential c ON c.tenant_id = %s AND c.fingerprint = sought.fingerprint
"""
# A credential that was seen again moves to the top of the feed; the best kind of date stays, and of that the newest.
# Nothing else of it changes: verdicts and what people have decided are theirs.
_FRESHEN: Final = """
WITH again AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::int[], %s::text[])
    AS again (id, source_kind, leaked_at, basis, rank, exposure_kind)
), held AS (
  SELECT again.*,
    c.leaked_at IS NULL OR c.leaked_at_basis = ''
    OR again.rank < array_position(ARRAY['infection', 'breach', 'stated', 'first_seen'], c.leaked_at_basis::text) - 1
    OR (again.basis = c.leaked_at_basis AND again.basis <> 'first_seen' AND again.leaked_at > c.leaked_at) AS better
  FROM exposures_credential c JOIN again USING (id) ORDER BY c.id FOR UPDATE OF c
)
UPDATE exposures_credential c SET
  last_seen_at = GREATEST(c.last_seen_at, %s),
  source_kind = CASE WHEN c.last_seen_at < %s THEN held.source_kind ELSE c.source_kind END,
  leaked_at = CASE WHEN better THEN held.leaked_at ELSE c.leaked_at END,
  leaked_at_basis = CASE WHEN better THEN held.basis ELSE c.leaked_at_basis END,
  exposure_kind = CASE WHEN held.exposure_kind = 'employee' THEN 'employee' ELSE c.exposure_kind END
FROM held
WHERE c.id = held.id AND (
  c.last_seen_at < %s OR better OR (held.exposure_kind = 'employee' AND c.exposure_kind <> 'employee'))
"""


class Recorder:
    """Stores batches of one import, each as a whole, inside the caller's transaction if there is one."""

    def __init__(self, origin: Origin, watchlist: Watchlist) -> None:
        self._origin = origin
        self._watchlist = watchlist
        self._domains = DomainSet(watchlist.domains)
        self._vault = tenant_vault(origin.tenant_id)
        self._sources = Sources(origin.tenant_id, origin.seen_at)
        self._machines = Machines(origin.tenant_id, origin.seen_at)
        self.cookies = CookieRecorder(self._vault, self._machines, self._source_of_cookies, self._given)
        self._domain_of: dict[str, str] = {}
        self._dates: dict[datetime | None, LeakDate] = {}

    def renewed(self) -> Recorder:
        """One that has seen nothing: what a transaction that was rolled back had made is not there."""
        return Recorder(self._origin, self._watchlist)

    def prepare(self, batch: Sequence[tuple[ParsedCredential, Part]]) -> None:
        """Makes the sources of a batch, in transactions of their own: else whoever meets one of them for the first
        time would keep every other process waiting for it until a whole step is stored."""
        for kind, named in {(part.kind, found.source) for found, part in batch}:
            self._source_id(self._origin.source_kind or kind, named)

    @transaction.atomic
    def store(self, batch: Sequence[tuple[ParsedCredential, Part]]) -> Stored:
        """Safe to repeat: what is stored already is known again."""
        machines = self._machines.ids(part for _, part in batch)
        seen = list(self._unique(batch, machines))
        ids = self._known({each.print_ for each in seen})
        again = [each for each in seen if each.print_ in ids]
        fresh = {each.print_: each for each in seen if each.print_ not in ids}
        stored = Stored()
        if not batch:
            return stored
        if fresh:
            ids |= self._insert(fresh, stored.new)
        insert_sightings([self._sighting(each, ids[each.print_]) for each in seen], self._given)
        self._freshen(again, ids)
        stored.duplicate = len(batch) - len(stored.new)
        if stored.new:
            self._announce(stored.new)
        return stored

    @property
    def _given(self) -> Mapping[str, Any]:
        """Of every row of this import."""
        origin = self._origin
        return {
            "tenant_id": origin.tenant_id,
            "import_id": origin.import_id,
            "first_seen_at": origin.seen_at,
            "last_seen_at": origin.seen_at,
            "seen_at": origin.seen_at,
        }

    def _announce(self, new: list[str]) -> None:
        """One fact for the whole batch: millions of rows must not become millions of jobs."""
        announce(
            "credential.recorded",
            tenant_id=str(self._origin.tenant_id),
            credential_ids=new,
        )

    # What was found, as the store sees it

    def _unique(
        self, batch: Sequence[tuple[ParsedCredential, Part]], machines: Mapping[str, UUID]
    ) -> Iterator[_Seen]:
        """Each credential at each place once; the first entry there stands for the ones after it."""
        places = set[tuple[bytes, bytes]]()
        for found, part in batch:
            seen = self._seen(found, part, machines)
            if (seen.print_, seen.place) not in places:
                places.add((seen.print_, seen.place))
                yield seen

    def _seen(self, found: ParsedCredential, part: Part, machines: Mapping[str, UUID]) -> _Seen:
        source_id, kind = self._source(found, part)
        canonical = canonical_login(found.login)[:320]
        machine_key = self._machines.key(part)
        return _Seen(
            found,
            part,
            canonical,
            self._vault.fingerprint("credential", canonical, found.kind, found.secret),
            _place(source_id, self._origin.file_name, machine_key, found.url),
            source_id,
            kind,
            machines.get(machine_key),
            self._leaked(found, part),
        )

    def _source(self, found: ParsedCredential, part: Part) -> tuple[UUID, str]:
        kind = self._origin.source_kind or part.kind
        return self._source_id(kind, found.source), kind

    def _source_of_cookies(self) -> UUID:
        return self._source_id(self._origin.source_kind or SourceKind.STEALER_LOG.value, "")

    def _source_id(self, kind: str, named: str) -> UUID:
        origin = self._origin
        name = origin.source_name or named or origin.file_name
        return self._sources.id(kind, name[:200], origin.stated_at, origin.breached_at)

    def _leaked(self, found: ParsedCredential, part: Part) -> LeakDate:
        if found.dated is not None:
            return self._date(part, row_date(found.dated))
        key = part.machine.infected_at if part.machine else None
        if key not in self._dates:
            self._dates[key] = self._date(part, {})
        return self._dates[key]

    def _date(self, part: Part, named: Mapping[DateBasis, datetime]) -> LeakDate:
        return best_date(
            infected=(part.machine.infected_at if part.machine else None) or named.get(DateBasis.INFECTION),
            breached=self._origin.breached_at or named.get(DateBasis.BREACH),
            stated=self._origin.stated_at or named.get(DateBasis.STATED),
            first_seen=self._origin.seen_at,
        )

    def _monitored(self, found: ParsedCredential) -> str:
        """The monitored domain, or what else makes it ours: the address's own domain, the login host."""
        if found.match is Match.HOST:
            return self._host(host_of(found.url) or "")
        _, at, domain = found.login.rpartition("@")
        if domain not in self._domain_of:
            self._domain_of[domain] = self._domains.match(f"x{at}{domain}") or ascii_domain(domain) or ""
        return self._domain_of[domain]

    def _host(self, host: str) -> str:
        name = ascii_domain(host) or host
        while name and name not in self._watchlist.names:
            name = name.partition(".")[2]
        return name[:253]

    # Into the tables

    def _known(self, prints: Collection[bytes]) -> dict[bytes, Id]:
        # One value of many bytes costs a fraction of an array of as many values.
        with connection.cursor() as cursor:
            cursor.execute(_LOOK_UP, [b"".join(prints), len(prints) - 1, self._origin.tenant_id])
            return {bytes(print_): id_ for print_, id_ in cursor.fetchall()}

    def _insert(self, fresh: Mapping[bytes, _Seen], new: list[str]) -> dict[bytes, Id]:
        """Seals and inserts; a parallel import may have been faster, so the ids that count are the table's."""
        # Ids follow the leak's order, which lists show. Rows go in by fingerprint, an order that is the same
        # everywhere, so that two transactions never wait for each other.
        mine: dict[bytes, Id] = {print_: uuid_utils.uuid7() for print_ in fresh}
        rows = [self._credential(fresh[print_], id_) for print_, id_ in sorted(mine.items())]
        if insert_credentials(rows, self._given) == len(mine):
            new.extend(map(str, mine.values()))
            return mine
        ids = self._known(mine)
        new.extend(str(id_) for print_, id_ in mine.items() if str(ids[print_]) == str(id_))
        return ids

    def _credential(self, seen: _Seen, id_: Id) -> tuple[Any, ...]:
        found = seen.found
        return (
            id_,
            seen.print_,
            storable(found.login)[:320],
            storable(seen.canonical),
            self._monitored(found),
            self._vault.seal(found.secret, secret_context_of(id_)),
            found.kind.value,
            _json_list(found.hash_types),
            len(found.secret),
            character_classes(found.secret),
            seen.source_kind,
            seen.leaked.at,
            seen.leaked.basis.value,
            _exposure(found),
        )

    def _sighting(self, seen: _Seen, credential_id: Id) -> tuple[Any, ...]:
        found = seen.found
        return (
            uuid_utils.uuid7(),
            credential_id,
            seen.source_id,
            seen.machine_id,
            seen.place,
            seen.part.file_name[:500],
            found.line,
            storable(found.url),
            storable(found.application)[:200],
            seen.leaked.at,
            seen.leaked.basis.value,
        )

    def _freshen(self, again: Sequence[_Seen], ids: Mapping[bytes, Id]) -> None:
        if not again:
            return
        best: dict[Id, _Seen] = {}
        for each in again:
            id_ = ids[each.print_]
            if id_ not in best or _is_better(each.leaked, best[id_].leaked):
                best[id_] = each
        now = self._origin.seen_at
        with connection.cursor() as cursor:
            cursor.execute(_FRESHEN, [*_columns(best), now, now, now])


def _columns(best: Mapping[Id, _Seen]) -> list[list[Any]]:
    rows = best.values()
    return [
        list(best),
        [each.source_kind for each in rows],
        [each.leaked.at for each in rows],
        [each.leaked.basis.value for each in rows],
        [_RANK[each.leaked.basis] for each in rows],
        [_exposure(each.found) for each in rows],
    ]


def _is_better(one: LeakDate, other: LeakDate) -> bool:
    return (-_RANK[one.basis], one.at) > (-_RANK[other.basis], other.at)


def _exposure(found: ParsedCredential) -> str:
    return ExposureKind.EXTERNAL.value if found.match is Match.HOST else ExposureKind.EMPLOYEE.value


def _place(source_id: UUID, file_name: str, machine_key: str, url: str) -> bytes:
    told = "\0".join((source_id.hex, file_name, machine_key, url))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _json_list(words: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
