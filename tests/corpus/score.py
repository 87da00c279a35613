"""How exactly a corpus was read: recall, precision, and passwords right to the character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from emberwatch.parsing.base import ParseContext, ParsedCredential, SecretKind
from emberwatch.parsing.reading import read_chunks
from emberwatch.parsing.registry import choose
from emberwatch.parsing.urls import without_password
from tests.corpus.truth import CONTEXT, Entry, LeakFile

_HEAD = 64 * 1024


@dataclass(slots=True)
class Score:
    """Counts over any number of files."""

    true: int = 0
    """Entries of ours that tell a secret."""
    found: int = 0
    """Of those, the ones that were given, under the right login."""
    extra: int = 0
    """Credentials that are in no entry of ours, or were given twice."""
    exact: int = 0
    """Of the found, those whose secret is right to the character, with its salt and kind."""
    right_url: int = 0
    with_url: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.extra) if self.found + self.extra else 1.0

    @property
    def exactness(self) -> float:
        return self.exact / self.found if self.found else 1.0

    @property
    def url_exactness(self) -> float:
        return self.right_url / self.with_url if self.with_url else 1.0

    def add(self, other: Score) -> None:
        self.true += other.true
        self.found += other.found
        self.extra += other.extra
        self.exact += other.exact
        self.right_url += other.right_url
        self.with_url += other.with_url
        self.mistakes += other.mistakes


def read(leak: LeakFile, context: ParseContext = CONTEXT) -> Iterator[ParsedCredential]:
    """What is read from a file whose format nobody states."""
    parser = choose(leak.data[:_HEAD], leak.name)
    chunks = (leak.data[at : at + 60_000] for at in range(0, len(leak.data), 60_000))
    outcomes = read_chunks(parser, chunks, context)
    return (outcome for outcome in outcomes if isinstance(outcome, ParsedCredential))


def score(leak: LeakFile, credentials: Iterable[ParsedCredential]) -> Score:
    """Compares what was read from a file with what stands in it."""
    wanted = {entry.login: entry for entry in leak.entries if entry.match is not None and entry.secret}
    result = Score(true=len(wanted))
    for credential in credentials:
        entry = wanted.pop(credential.login, None)
        if entry is None:
            result.extra += 1
            result.mistakes.append(f"{leak.dialect}: extra {_shown(credential)}")
            continue
        result.found += 1
        _compare(leak, entry, credential, result)
    result.mistakes += [f"{leak.dialect}: missed {entry}" for entry in wanted.values()]
    return result


def _compare(leak: LeakFile, entry: Entry, credential: ParsedCredential, result: Score) -> None:
    kind = SecretKind.HASH if entry.hashed else SecretKind.PLAINTEXT
    salt = credential.salt.expose() if credential.salt else ""
    if (credential.secret.expose(), credential.kind, salt) == (entry.secret, kind, entry.salt):
        result.exact += 1
    else:
        result.mistakes.append(f"{leak.dialect}: {entry} read as {_shown(credential)}")
    if leak.urls:
        result.with_url += 1
        right = credential.url == without_password(entry.url) and credential.match is entry.match
        result.right_url += right
        if not right:
            result.mistakes.append(f"{leak.dialect}: url of {entry} read as {_shown(credential)}")


def _shown(credential: ParsedCredential) -> str:
    seen = (credential.login, credential.secret.expose(), credential.url, credential.match.value)
    return f"{seen} in line {credential.line}"
