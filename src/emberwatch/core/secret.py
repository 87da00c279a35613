"""A secret is a type that refuses to be seen: it prints as stars and cannot be pickled or serialised."""

from __future__ import annotations

from typing import NoReturn, final


@final
class Secret:
    """Holds one plaintext: a leaked password, a client secret, a key.

    The only way to the value is :meth:`expose`, so that each place that reads a plaintext can be found by
    searching for that word. Comparing two secrets takes constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def expose(self) -> str:
        """The plaintext. Callers are the vault and the sign-in call, and nobody else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # Brings OpenSSL in, which most who handle secrets do without.

        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    # Hashing would let the value be probed through dictionaries and sets.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied into a job")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__reduce__()
