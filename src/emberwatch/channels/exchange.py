"""One request of a channel over HTTP, and what its answer means: a table of statuses, the same for every system."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from emberwatch.channels.base import ChannelBusy, ChannelError, ChannelRefused
from emberwatch.channels.network import Network
from emberwatch.core.secret import Secret
from emberwatch.http.guard import AddressNotAllowed, NameUnknown
from emberwatch.http.waits import retry_after

PRIVATE: Final = (
    "{host} leads to a private address. The operator can allow it with EMBERWATCH_CHANNEL_PRIVATE_HOSTS."
)
REFUSALS: Final[Mapping[int, str]] = {
    400: "{host} did not accept the message.",
    401: "{host} does not accept the key or password.",
    403: "{host} does not let this key or address do this.",
    404: "There is nothing at this address of {host}.",
    405: "This address of {host} takes no messages.",
    410: "The address at {host} was taken back for good.",
}
# Too early, too many, or a time limit: the same request may be taken later.
_LATER: Final = frozenset({408, 425, 429})
MOST_BYTES: Final = 200_000
# They describe how the body travelled, which is over.
_OF_THE_WAY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_LONGEST_SAID: Final = 200
_BLANKS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_PARTING: Final = re.compile(r"[/?&=#]")
_LONG_PART: Final = 12
_TAGS: Final = re.compile(r"<[^>]{0,200}>")


def post(
    network: Network,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    secrets: Collection[Secret] = (),
    **options: Any,
) -> httpx.Response:
    """Posts to one address. Raises :class:`ChannelRefused` or :class:`ChannelBusy` unless it was taken."""
    return request(network, "POST", url, headers=headers, secrets=secrets, **options)


def request(
    network: Network,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    secrets: Collection[Secret] = (),
    **options: Any,
) -> httpx.Response:
    """The same with any method. ``secrets`` are taken out of what the other side says."""
    asked = {"Accept-Encoding": "identity", **(headers or {})}
    with (
        telling(url),
        network.client(url) as client,
        client.stream(method, url, headers=asked, timeout=network.seconds, **options) as answer,
    ):
        reply = _taken(answer)
    if not reply.is_success:
        raise refusal(reply, network, secrets)
    return reply


def _taken(answer: httpx.Response) -> httpx.Response:
    """The answer with the beginning of its body: the other side could send without an end."""
    body = b""
    for piece in answer.iter_raw():
        body += piece
        if len(body) >= MOST_BYTES:
            break
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_WAY]
    return httpx.Response(
        answer.status_code, headers=headers, content=body[:MOST_BYTES], request=answer.request
    )


@contextmanager
def telling(url: str) -> Iterator[None]:
    """Turns what a client raises into what a person can read; the address itself may be a secret."""
    host = urlsplit(url).hostname or "the address"
    try:
        yield
    except httpx.TimeoutException:
        raise ChannelBusy(f"{host} did not answer in time.") from None
    except (httpx.TransportError, httpx.InvalidURL, OSError) as error:
        raise unreachable(host, error) from None


def unreachable(host: str, error: BaseException) -> ChannelError:
    """Why a connection to a host did not come about."""
    causes = list(_causes(error))
    if any(isinstance(cause, AddressNotAllowed) for cause in causes):
        return ChannelRefused(PRIVATE.format(host=host))
    if any(isinstance(cause, NameUnknown) for cause in causes):
        return ChannelBusy(f"The name {host} does not resolve.")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ChannelRefused(
            f"The certificate of {host} is not trusted.",
            remedy="The operator can name its authority with EMBERWATCH_CHANNEL_CA_FILE.",
        )
    return ChannelBusy(f"{host} could not be reached.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def refusal(reply: httpx.Response, network: Network, secrets: Collection[Secret] = ()) -> ChannelError:
    """What an answer means that is no success."""
    host, status = reply.url.host, reply.status_code
    words = said(reply.text, secrets)
    if status >= 500 or status in _LATER:
        wait = retry_after(reply.headers, network.clock())
        return ChannelBusy(_sentence(f"{host} cannot take it now ({status}).", words), retry_after=wait)
    if reply.is_redirect:
        return ChannelRefused(
            f"{host} leads elsewhere ({status}).",
            remedy="Give the final address: redirects are not followed.",
        )
    told = REFUSALS.get(status, "{host} refused the message.").format(host=host)
    return ChannelRefused(_sentence(f"{told[:-1]} ({status}).", words))


def _sentence(told: str, words: str) -> str:
    return f"{told} It says: {words}" if words else told


def said(text: str, secrets: Collection[Secret] = ()) -> str:
    """What the other side wrote, fit to be shown: one line, short, without markup and without our own secrets."""
    for piece in _pieces(secrets):
        text = text.replace(piece, "****")
    line = _BLANKS.sub(" ", _TAGS.sub(" ", text[:20_000])).strip()
    return line if len(line) <= _LONGEST_SAID else f"{line[: _LONGEST_SAID - 1]}…"


def _pieces(secrets: Collection[Secret]) -> list[str]:
    """Each secret, and the long parts of one that is an address: the other side may quote but its end."""
    found = {secret.expose() for secret in secrets}
    found |= {part for whole in found for part in _PARTING.split(whole) if len(part) >= _LONG_PART}
    return sorted(filter(None, found), key=len, reverse=True)


def json_of(reply: httpx.Response, system: str) -> dict[str, Any]:
    """The answer as an object. Raises :class:`ChannelRefused` when it is none: something else lives there."""
    try:
        found = reply.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ChannelRefused(f"{reply.url.host} does not answer like {system}.")
    return found
