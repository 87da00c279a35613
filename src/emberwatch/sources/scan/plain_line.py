"""The commonest line, ``url:login:password`` or ``login:password``, read at a quarter of the cost.

Only lines are taken that no other reading is possible for: a plain url or none, a plain address, a short password
without a colon. The outcome is the one that the format's own reader would come to; every other line is left to it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import Foreign, LineReader, Outcome, ParseContext, ParsedCredential
from emberwatch.parsing.credentials import NO_PASSWORD
from emberwatch.parsing.line_profile import SAMPLE_LINES, learn
from emberwatch.parsing.lines import split_lines

_NAME: Final = rb"(?:[0-9A-Za-z-]{1,63}\.){1,8}[A-Za-z]{2,24}"
_PLAIN: Final = re.compile(
    rb"(?:(https?://" + _NAME + rb"(?::[0-9]{1,5})?(?:/[0-9A-Za-z._~%+=/-]*)?):)?"
    rb"([0-9A-Za-z._+-]{1,64}@" + _NAME + rb"):"
    rb"([!-9;-~]{1,15})"  # Hashes are longer.
)
_LONGEST: Final = 512


def with_plain_lines(reader: LineReader, head: bytes, context: ParseContext) -> LineReader:
    """``reader`` with a short cut, if the file that begins with ``head`` has the usual order of fields."""
    profile = learn(islice(split_lines([head]), SAMPLE_LINES))
    if profile.secret_first or profile.mostly_hashes:
        return reader
    match_of, plain = context.match, _PLAIN.fullmatch

    def read(number: int, line: bytes) -> Outcome:
        found = plain(line) if len(line) < _LONGEST else None
        if found is None:
            return reader(number, line)
        login, password = found[2].decode(), found[3].decode()
        url = found[1].decode() if found[1] else ""
        match = match_of(login, url)
        if match is None:
            return Foreign(number)
        if password.casefold() in NO_PASSWORD:
            return reader(number, line)
        return ParsedCredential(login, Secret(password), url=url, line=number, match=match)

    return read
