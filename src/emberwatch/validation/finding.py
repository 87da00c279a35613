"""Finds the accounts behind logins: the store says whose they may be, the directory says how those are now.

What the store knows decides nothing by itself: every account that counts is read afresh by its object id, and the
names it has at this moment are compared again. The directory is searched too wherever the store has not named the
sign-in name's one owner, since an account may have come or changed since the last reading.

Where the tenant has several directories, what the store knows of the others counts too: an account there that
bears the login as strongly makes it nobody's for sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import AccountFacts, Directory, DirectoryError, Looked, Lookup
from emberwatch.directories.models import DirectoryConnection
from emberwatch.identities.policy import AMBIGUOUS, Match, NameKind, Names, keys_of, match, sought_for
from emberwatch.identities.queries import accounts_as_stored, connected_directories, names_for
from emberwatch.matching.domains import canonical_login


def find_accounts(
    connection: DirectoryConnection, directory: Directory, logins: Sequence[str], clock: Clock
) -> dict[str, Looked]:
    """Raises :class:`DirectoryError` only when nothing at all could be asked."""
    stored = _stored(connection, logins)
    fresh = _fresh(directory, {names.object_id for names in stored.values()})
    known = {names.object_id: names for names in stored.values()}
    found: dict[str, Looked] = {}
    for login in logins:
        settled = _settled(login, known, fresh, clock())
        if settled is not None:
            found[login] = settled
    rest = [login for login in dict.fromkeys(logins) if login not in found]
    searched = directory.find_accounts(rest) if rest else {}
    found |= {login: _combined(login, searched[login], known, fresh) for login in rest}
    elsewhere = _elsewhere(connection, logins)
    return {login: _beside(login, each, known, elsewhere) for login, each in found.items()}


def _stored(connection: DirectoryConnection, logins: Sequence[str]) -> dict[UUID, Names]:
    sought = [name for login in logins for name in sought_for(login)]
    return names_for(connection.tenant_id, [connection.entra_tenant_id], sought)


def _elsewhere(connection: DirectoryConnection, logins: Sequence[str]) -> dict[UUID, Names]:
    """Accounts of the tenant's other directories that may bear these logins, by our own ids."""
    others = [
        directory
        for directory in connected_directories(connection.tenant_id)
        if directory != connection.entra_tenant_id
    ]
    if not others:
        return {}
    return names_for(connection.tenant_id, others, [name for login in logins for name in sought_for(login)])


def _beside(
    login: str, found: Looked, known: Mapping[UUID, Names], elsewhere: Mapping[UUID, Names]
) -> Looked:
    """The answer of one directory beside what the store knows of the tenant's other ones."""
    others = {pk: names for pk, names in elsewhere.items() if match(login, [names]).candidates}
    if not others or isinstance(found, DirectoryError):
        return found
    told = [found.account] if found.account else list(found.candidates)
    ours = [_names_now(account, known.get(account.object_id)) for account in told]
    everybody = match(login, [*ours, *others.values()])
    reasons = {each.object_id: each.reason for each in everybody.candidates}
    theirs = [pk for pk, names in others.items() if names.object_id in reasons]
    if not theirs:
        return found
    if not told and len(theirs) == 1:
        return DirectoryError(
            "The account with this login is in another directory of this tenant.",
            remedy="Validate it again: it goes to that directory.",
        )
    strangers = [
        replace(account, found_by=reasons[account.object_id].code) for account in accounts_as_stored(theirs)
    ]
    return replace(found, account=None, candidates=(*told, *strangers), deleted_at=None)


def _fresh(
    directory: Directory, object_ids: Iterable[UUID]
) -> Mapping[UUID, AccountFacts | DirectoryError | None]:
    wanted = sorted(object_ids)
    return directory.read_accounts(wanted) if wanted else {}


def _settled(
    login: str,
    known: Mapping[UUID, Names],
    fresh: Mapping[UUID, AccountFacts | DirectoryError | None],
    now: datetime,
) -> Looked | None:
    """The answer where no search is needed: the one account that has the login as its sign-in name at this moment."""
    bearing = _bearing(login, known, fresh)
    refused = next((each for each in bearing.values() if isinstance(each, DirectoryError)), None)
    if refused is not None:
        return refused
    found = _matched(login, bearing.values(), known)
    account = bearing.get(found.only.object_id) if found.only else None
    if found.only is None or not isinstance(account, AccountFacts):
        return None
    if found.only.reason.kind is not NameKind.SIGN_IN_NAME or found.only.reason.by_sub_address:
        return None
    return Lookup(replace(account, found_by=found.code), now, (found.code,), complete=True)


def _bearing(
    login: str, known: Mapping[UUID, Names], fresh: Mapping[UUID, AccountFacts | DirectoryError | None]
) -> dict[UUID, AccountFacts | DirectoryError | None]:
    return {
        object_id: fresh.get(object_id)
        for object_id, names in known.items()
        if match(login, [names]).candidates
    }


def _matched(
    login: str, accounts: Iterable[AccountFacts | DirectoryError | None], known: Mapping[UUID, Names]
) -> Match:
    present = [each for each in accounts if isinstance(each, AccountFacts)]
    return match(login, [_names_now(account, known.get(account.object_id)) for account in present])


def _names_now(account: AccountFacts, known: Names | None) -> Names:
    """The names that the directory told just now, with those that we remember: what it had until now is former."""
    names = Names(
        account.object_id,
        account.user_principal_name,
        account.mail,
        account.proxy_addresses,
        account.other_mails,
        account.on_premises_upn,
        account.on_premises_sam,
        account.on_premises_domain,
    )
    if known is None:
        return names
    sign_in_name = canonical_login(known.user_principal_name)
    return replace(
        names,
        former_sign_in_names=(*known.former_sign_in_names, sign_in_name),
        former_addresses=(
            *known.former_addresses,
            *(name for name in keys_of(known) if name != sign_in_name),
        ),
    )


def _combined(
    login: str,
    searched: Looked,
    known: Mapping[UUID, Names],
    fresh: Mapping[UUID, AccountFacts | DirectoryError | None],
) -> Looked:
    """What the search brought and what the store named, together: whoever bears the login counts."""
    if isinstance(searched, DirectoryError):
        return searched
    told = [searched.account] if searched.account else list(searched.candidates)
    accounts = {account.object_id: account for account in told}
    stored = {
        object_id: account
        for object_id, account in _bearing(login, known, fresh).items()
        if isinstance(account, AccountFacts)
    }
    accounts = {**accounts, **stored}
    found = _matched(login, accounts.values(), known)
    if not found.candidates:
        # The directory found it by a name in a spelling of its own; its word stands.
        return searched
    bearers = tuple(replace(accounts[each.object_id], found_by=each.reason.code) for each in found.candidates)
    if found.is_ambiguous:
        return replace(searched, account=None, candidates=bearers)
    return replace(searched, account=bearers[0], candidates=(), deleted_at=None)


def reason_code(lookup: Lookup) -> str:
    """What is stored at a credential: why its login is the account's, or that it is no single one's."""
    if lookup.account is not None:
        return lookup.account.found_by
    return AMBIGUOUS if lookup.candidates else ""
