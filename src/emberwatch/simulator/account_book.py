"""The accounts of one directory, and the ways to find them."""

from __future__ import annotations

from collections.abc import Iterator

from emberwatch.simulator.accounts import AddressIndex, UserState


class AccountBook:
    """Accounts by object id, by number and by address."""

    def __init__(self) -> None:
        self.users: dict[str, UserState] = {}
        self._by_number: list[UserState | None] = []
        self._index = AddressIndex()

    @property
    def next_number(self) -> int:
        return len(self._by_number) + 1

    def enter(self, user: UserState) -> None:
        """Take in a new account."""
        self.users[user.id] = user
        self._by_number.append(user)
        self.index(user)

    def strike(self, user: UserState) -> None:
        """Forget an account."""
        self.unindex(user)
        del self.users[user.id]
        self._by_number[user.number - 1] = None

    def index(self, user: UserState) -> None:
        """Make an account findable by its addresses; a deleted one is not."""
        if not user.deleted:
            self._index.enter(user)

    def unindex(self, user: UserState) -> None:
        """To be called before an account's addresses change, with :meth:`index` after it."""
        if not user.deleted:
            self._index.leave(user)

    def find(self, address: str) -> UserState | None:
        """A user that is not deleted, by object id or UPN."""
        known = self.users.get(address.lower())
        if known is None:
            ids = self._index.ids("userPrincipalName", address)
            known = next((self.users[i] for i in ids), None)
        return known if known and not known.deleted else None

    def id_of(self, upn: str) -> str | None:
        """The object id of a name; a deleted account is meant when no present one has it."""
        user = self.find(upn) or self._deleted_names().get(upn.casefold())
        return user.id if user else None

    def _deleted_names(self) -> dict[str, UserState]:
        return {user.scenario.upn.casefold(): user for user in self.gone()}

    def is_present(self, user_id: str) -> bool:
        user = self.users.get(user_id)
        return user is not None and not user.deleted

    def find_by_mail(self, address: str) -> UserState | None:
        """A user that is not deleted, by mail address."""
        return next((self.users[i] for i in self._index.ids("mail", address)), None)

    def indexed(self, name: str, value: str) -> set[str] | None:
        """Ids of the present users whose property has this value; None when it has no index."""
        if name == "id":
            return {value.lower()} if self.is_present(value.lower()) else set()
        return self._index.ids(name, value) if self._index.covers(name) else None

    def users_after(self, number: int) -> Iterator[UserState]:
        """The users behind this number, deleted ones too, in order of number."""
        rest = (self._by_number[index] for index in range(number, len(self._by_number)))
        return (user for user in rest if user is not None)

    def present_after(self, number: int) -> Iterator[UserState]:
        """The users behind this number that are not deleted, in order of number."""
        return (user for user in self.users_after(number) if not user.deleted)

    def present(self) -> Iterator[UserState]:
        return (user for user in self.users.values() if not user.deleted)

    def gone(self) -> Iterator[UserState]:
        return (user for user in self.users.values() if user.deleted)
