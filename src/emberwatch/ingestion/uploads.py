"""Takes an uploaded file straight from the socket into its sealed spool: no piece of it is stored in clear."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

from emberwatch.vault.spool import SpoolWriter

OpenSpool: TypeAlias = Callable[[], tuple[UUID, SpoolWriter]]

FILE_FIELD: Final = "file"
# Far above any leak that is worth sending through a browser, and far below what fills a disk unnoticed.
MOST_UPLOAD_BYTES: Final = 64 * 1024**3


class SealedUpload(UploadedFile):  # type: ignore[type-arg]
    """Stands in ``request.FILES`` for a file that lies sealed in the spool; its content cannot be read here."""

    def __init__(self, import_id: UUID, name: str, size: int) -> None:
        super().__init__(file=io.BytesIO(), name=name, size=size)
        self.import_id = import_id


class SealedSpoolHandler(FileUploadHandler):
    """Writes the one file of a form into a spool that ``open_spool`` opens when the file begins.

    Whoever installs the handler calls :meth:`discard` unless an import took the file over: an upload that
    was cut off, refused or too large must not stay on the disk.
    """

    chunk_size = 256 * 1024

    def __init__(
        self, request: HttpRequest, open_spool: OpenSpool, *, most_bytes: int = MOST_UPLOAD_BYTES
    ) -> None:
        super().__init__(request)
        self._open_spool = open_spool
        self._most_bytes = most_bytes
        self._writer: SpoolWriter | None = None
        self.import_id: UUID | None = None
        self.is_complete = False
        self.is_too_large = False
        self.has_surplus = False
        """True when the form held a second file, which is not read."""

    @property
    def size(self) -> int:
        return self._writer.size if self._writer else 0

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != FILE_FIELD or self._writer is not None:
            self.has_surplus = True
            raise SkipFile
        self.import_id, self._writer = self._open_spool()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django names it
        if self._writer is None:
            return
        if self._writer.size + len(raw_data) > self._most_bytes:
            self.is_too_large = True
            self.discard()
            # The rest is not read: reading it would only serve whoever sends too much.
            raise StopUpload(connection_reset=True)
        self._writer.write(raw_data)

    def file_complete(self, file_size: int) -> SealedUpload | None:  # noqa: ARG002 - Django names it
        if self._writer is None or self.import_id is None:
            return None
        self._writer.finish()
        self.is_complete = True
        return SealedUpload(self.import_id, self.file_name or "", self._writer.size)

    def upload_interrupted(self) -> None:
        self.discard()

    def discard(self) -> None:
        """Removes what was written; safe to call again, and after an upload that never began."""
        if self._writer is not None:
            self._writer.abandon()
        self.is_complete = False
