"""Decides whose login it is, by every name that an account has or had. Pure.

Names compare in the form of :func:`emberwatch.matching.domains.canonical_login`. They differ in strength
(:data:`STRENGTH`): an account's sign-in name is its own, a contact address may be another person's too. The
strongest name decides; two accounts that share it, or one that has it now and another that had it before, make
the login ambiguous, and an ambiguous login is never tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from emberwatch.matching.domains import canonical_login, login_domain

_SMTP: Final = "smtp:"


class NameKind(StrEnum):
    """Where an account bears a name. The values are the directory's own words where it has one."""

    SIGN_IN_NAME = "userPrincipalName"
    MAIL = "mail"
    PROXY_ADDRESS = "proxyAddresses"
    ON_PREMISES_SIGN_IN_NAME = "onPremisesUserPrincipalName"
    OTHER_MAIL = "otherMails"
    DOMAIN_AND_SAM = "onPremisesSamAccountName"
    FORMER_SIGN_IN_NAME = "formerUserPrincipalName"
    FORMER_ADDRESS = "formerAddress"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def is_former(self) -> bool:
        return self in (NameKind.FORMER_SIGN_IN_NAME, NameKind.FORMER_ADDRESS)


_WORDS: Final[Mapping[NameKind, str]] = {
    NameKind.SIGN_IN_NAME: "its sign-in name",
    NameKind.MAIL: "its mail address",
    NameKind.PROXY_ADDRESS: "one of its proxy addresses",
    NameKind.ON_PREMISES_SIGN_IN_NAME: "its sign-in name on premises",
    NameKind.OTHER_MAIL: "one of its other mail addresses",
    NameKind.DOMAIN_AND_SAM: "its account name in the domain on premises",
    NameKind.FORMER_SIGN_IN_NAME: "a sign-in name that it had before",
    NameKind.FORMER_ADDRESS: "an address that it had before",
}

STRENGTH: Final[Mapping[NameKind, int]] = {
    NameKind.SIGN_IN_NAME: 0,
    NameKind.MAIL: 1,
    NameKind.PROXY_ADDRESS: 1,
    NameKind.ON_PREMISES_SIGN_IN_NAME: 1,
    NameKind.OTHER_MAIL: 2,
    NameKind.DOMAIN_AND_SAM: 2,
    NameKind.FORMER_SIGN_IN_NAME: 3,
    NameKind.FORMER_ADDRESS: 3,
}
"""The lower the stronger; each kind by a sub-address is weaker than all of them without one."""

_SUB_ADDRESS_MARK: Final = "+"
AMBIGUOUS: Final = "ambiguous"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a login is an account's. ``code`` is what is stored and what programs get."""

    kind: NameKind
    by_sub_address: bool = False

    @property
    def code(self) -> str:
        return f"{self.kind}{_SUB_ADDRESS_MARK}" if self.by_sub_address else str(self.kind)

    @property
    def words(self) -> str:
        return f"{self.kind.words}, without the part after +" if self.by_sub_address else self.kind.words

    @property
    def strength(self) -> tuple[bool, int]:
        return self.by_sub_address, STRENGTH[self.kind]


def reason_of(code: str) -> Reason | None:
    """The reason that was stored, or ``None`` for anything else."""
    try:
        return Reason(NameKind(code.removesuffix(_SUB_ADDRESS_MARK)), code.endswith(_SUB_ADDRESS_MARK))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Names:
    """What an account is called. ``is_gone``: deleted, or not listed any more."""

    object_id: UUID
    user_principal_name: str
    mail: str = ""
    proxy_addresses: tuple[str, ...] = ()
    other_mails: tuple[str, ...] = ()
    on_premises_upn: str = ""
    on_premises_sam: str = ""
    on_premises_domain: str = ""
    former_sign_in_names: tuple[str, ...] = ()
    former_addresses: tuple[str, ...] = ()
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    object_id: UUID
    reason: Reason


@dataclass(frozen=True, slots=True)
class Match:
    """Whose login it is: nobody's, one account's, or that of several, which is no answer."""

    candidates: tuple[Candidate, ...] = ()

    @property
    def only(self) -> Candidate | None:
        return self.candidates[0] if len(self.candidates) == 1 else None

    @property
    def is_ambiguous(self) -> bool:
        return len(self.candidates) > 1

    @property
    def code(self) -> str:
        """What is stored at the credential: the reason, or that there is no single one."""
        if self.is_ambiguous:
            return AMBIGUOUS
        return self.candidates[0].reason.code if self.candidates else ""


def present_names(names: Names) -> Iterator[tuple[NameKind, str]]:
    """Every name that an account has now, in canonical form."""
    yield NameKind.SIGN_IN_NAME, canonical_login(names.user_principal_name)
    yield NameKind.MAIL, canonical_login(names.mail)
    for address in names.proxy_addresses:
        if address[: len(_SMTP)].lower() == _SMTP:
            yield NameKind.PROXY_ADDRESS, canonical_login(address[len(_SMTP) :])
    yield NameKind.ON_PREMISES_SIGN_IN_NAME, canonical_login(names.on_premises_upn)
    for address in names.other_mails:
        yield NameKind.OTHER_MAIL, canonical_login(address)
    for name in _domain_names(names.on_premises_domain, names.on_premises_sam):
        yield NameKind.DOMAIN_AND_SAM, name


def _domain_names(domain: str, sam: str) -> Iterator[str]:
    """``CONTOSO\\ann`` and ``contoso.example\\ann``: the directory gives the long name, leaks mostly the short one."""
    if domain and sam:
        for name in dict.fromkeys((domain.partition(".")[0], domain)):
            yield canonical_login(f"{name}\\{sam}")


def _all_names(names: Names) -> Iterator[tuple[NameKind, str]]:
    yield from present_names(names)
    for name in names.former_sign_in_names:
        yield NameKind.FORMER_SIGN_IN_NAME, name
    for name in names.former_addresses:
        yield NameKind.FORMER_ADDRESS, name


def keys_of(names: Names) -> list[str]:
    """The present names, each once, for the store's index."""
    return list(dict.fromkeys(name for _, name in present_names(names) if name))


def sought_for(login: str) -> tuple[str, ...]:
    """The names by which the account of a login may be found: the login, and without its sub-address."""
    canonical = canonical_login(login)
    base = _without_sub_address(canonical)
    return (canonical, base) if base else (canonical,)


def _without_sub_address(canonical: str) -> str:
    if login_domain(canonical) is None:
        return ""
    local, _, domain = canonical.rpartition("@")
    base, mark, _ = local.partition(_SUB_ADDRESS_MARK)
    return f"{base}@{domain}" if base and mark else ""


def match(login: str, accounts: Iterable[Names]) -> Match:
    """The account that a login names, among those that bear one of its names."""
    sought = sought_for(login)
    found = [(names, reason) for names in accounts if (reason := _best_reason(sought, names))]
    # A deleted account has given its names back: whoever has one now is meant.
    present = [each for each in found if not each[0].is_gone]
    return Match(_strongest(present or found))


def _best_reason(sought: Sequence[str], names: Names) -> Reason | None:
    exact, *base = sought
    reasons = [
        Reason(kind, by_sub_address=name != exact)
        for kind, name in _all_names(names)
        if name and (name == exact or name in base)
    ]
    return min(reasons, key=lambda reason: reason.strength, default=None)


def _strongest(found: Sequence[tuple[Names, Reason]]) -> tuple[Candidate, ...]:
    """Those with the strongest reason, and those who had the very name before: the leak may be older than that."""
    if not found:
        return ()
    best = min(reason.strength for _, reason in found)
    return tuple(
        Candidate(names.object_id, reason)
        for names, reason in sorted(found, key=lambda each: (each[1].strength, each[0].object_id))
        if reason.strength == best or (reason.kind.is_former and reason.by_sub_address == best[0])
    )
