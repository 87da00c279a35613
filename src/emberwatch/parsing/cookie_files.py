"""Which files hold cookies, told by their content, and how each of the layouts is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from emberwatch.parsing.cookies import CookieOutcome, looks_like_cookie_lines, read_cookies
from emberwatch.parsing.json_cookies import looks_like_json_cookies, read_json_cookies
from emberwatch.parsing.lines import split_lines


def looks_like_cookies(head: bytes) -> bool:
    """Whether what stands at the beginning of a file is mostly cookies, in whatever layout."""
    return looks_like_cookie_lines(head) or looks_like_json_cookies(head)


def read_cookie_file(
    head: bytes, chunks: Iterable[bytes], host_is_ours: Callable[[str], bool] | None = None
) -> Iterator[CookieOutcome]:
    """One outcome a cookie of a file that begins with ``head``. Without ``host_is_ours`` every host is."""
    if looks_like_json_cookies(head):
        return read_json_cookies(chunks, host_is_ours)
    return read_cookies(split_lines(chunks), host_is_ours)
