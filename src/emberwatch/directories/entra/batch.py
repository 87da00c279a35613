"""Sends many reads to Graph in few requests, each answered or refused on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

import stamina

from emberwatch.directories.base import DirectoryBusy, DirectoryError, DirectoryUnreachable
from emberwatch.directories.entra.graph import (
    REPEATS,
    Graph,
    GraphReply,
    GraphRequest,
    NoSuchOperation,
    worth_repeating,
)

# The most that Microsoft Graph takes in one batch.
BATCH_SIZE: Final = 20

Answer: TypeAlias = GraphReply | DirectoryError


class _Unfinished(Exception):
    """Some items of a batch are worth another try, after ``wait`` seconds."""

    def __init__(self, wait: bool | float) -> None:
        super().__init__()
        self.wait = wait


class Batches:
    """Remembers that a Graph does not know ``$batch``, and asks one by one from then on."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._offered = True

    def ask(self, requests: Sequence[GraphRequest]) -> list[Answer]:
        """An answer or an error for each request, in their order.

        Raises :class:`DirectoryError` only when nothing at all could be asked. Once a whole batch has failed the
        requests that follow it are not sent: they get the same error.
        """
        answers: list[Answer] = []
        waiting = iter(requests)
        while chunk := list(islice(waiting, BATCH_SIZE)):
            try:
                answers.extend(self._chunk(chunk))
            except DirectoryError as error:
                if not answers:
                    raise
                return [*answers, *([error] * (len(requests) - len(answers)))]
        return answers

    def ask_singly(self, requests: Sequence[GraphRequest]) -> list[Answer]:
        """The same without batches; once Graph cannot be reached, the rest is not sent."""
        answers: list[Answer] = []
        for request in requests:
            gone = answers and isinstance(answers[-1], DirectoryUnreachable)
            answers.append(answers[-1] if gone else self._single(request))
        return answers

    def _single(self, request: GraphRequest) -> Answer:
        try:
            return self._graph.ask(request)
        except DirectoryError as error:
            return error

    def _chunk(self, chunk: Sequence[GraphRequest]) -> list[Answer]:
        if self._offered and len(chunk) > 1:
            try:
                return self._batch(chunk)
            except NoSuchOperation:
                self._offered = False
        return self.ask_singly(chunk)

    def _batch(self, chunk: Sequence[GraphRequest]) -> list[Answer]:
        """One batch, and again for the items that were told to wait or got no answer of their own."""
        answers: dict[str, Answer] = {}
        waiting = {str(number): request for number, request in enumerate(chunk)}
        attempts = stamina.retry_context(on=_wait_of, attempts=REPEATS, wait_initial=0.2, wait_max=2.0)
        try:
            for attempt in attempts:
                with attempt:
                    answers |= self._post({name: waiting[name] for name in waiting if _open(answers, name)})
                    _finish(answers)
        except _Unfinished:
            pass
        except DirectoryError as error:
            if not answers:
                raise
            answers = {name: answers.get(name, error) for name in waiting}
        return [answers[name] for name in waiting]

    def _post(self, items: Mapping[str, GraphRequest]) -> dict[str, Answer]:
        body = {"requests": [_item(name, request) for name, request in items.items()]}
        reply = self._graph.post("/$batch", body)
        parts = {str(part.get("id")): part for part in _parts(reply)}
        return {name: self._read(parts.get(name), reply.request_id) for name in items}

    def _read(self, part: Mapping[str, Any] | None, request_id: str) -> Answer:
        if part is None:
            return DirectoryBusy("Microsoft Graph left a part of a batch unanswered.", code="batch")
        status, headers, body = part.get("status"), part.get("headers"), part.get("body")
        try:
            reply = self._graph.answer(
                status if isinstance(status, int) else 0,
                headers if isinstance(headers, dict) else {},
                body if isinstance(body, dict) else {},
            )
        except DirectoryError as error:
            return error
        return reply if reply.request_id else GraphReply(reply.body, request_id)


def _item(name: str, request: GraphRequest) -> dict[str, Any]:
    item: dict[str, Any] = {"id": name, "method": "GET", "url": request.target}
    return item | ({"headers": request.headers} if request.headers else {})


def _parts(reply: GraphReply) -> list[Mapping[str, Any]]:
    parts = reply.body.get("responses")
    if not isinstance(parts, list):
        raise DirectoryError("Microsoft Graph's answer to a batch cannot be read.")
    return [part for part in parts if isinstance(part, dict)]


def _open(answers: Mapping[str, Answer], name: str) -> bool:
    """Whether an item has still to be asked."""
    known = answers.get(name)
    return known is None or (isinstance(known, DirectoryError) and worth_repeating(known) is not False)


def _finish(answers: Mapping[str, Answer]) -> None:
    """Raises when some items are worth another try: the longest of their waits holds for all of them."""
    waits = [worth_repeating(answer) for answer in answers.values() if isinstance(answer, DirectoryError)]
    open_waits = [wait for wait in waits if wait is not False]
    if open_waits:
        told = [wait for wait in open_waits if wait is not True]
        raise _Unfinished(max(told, default=True))


def _wait_of(error: Exception) -> bool | float:
    return error.wait if isinstance(error, _Unfinished) else False
