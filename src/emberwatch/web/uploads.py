"""Uploads: the import page takes files, straight into the sealed spool; a directory's forms take one small file,
which stays in memory; every other form takes none."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from emberwatch.ingestion.uploads import FILE_FIELD, OpenSpool, SealedUpload
from emberwatch.ingestion.uploads import SealedSpoolHandler as OneFileHandler


class NoFileHandler(FileUploadHandler):
    """For every form but the import's: a file that comes along is read past and kept nowhere."""

    chunk_size = 64 * 1024

    def new_file(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - Django's signature
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:  # noqa: ARG002
        return None

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        return None


class SmallFileHandler(FileUploadHandler):
    """Takes one file of one field into memory, never onto a disk, and no more of it than a byte beyond ``most``."""

    chunk_size = 64 * 1024

    def __init__(self, request: HttpRequest, field_name: str, most: int) -> None:
        super().__init__(request)
        self._wanted = field_name
        self._most = most
        self.data = bytearray()

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        if field_name != self._wanted:
            raise SkipFile
        super().new_file(field_name, *args, **kwargs)
        self.data.clear()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's signature
        self.data += raw_data[: self._most + 1 - len(self.data)]

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        return None


class SealedFilesHandler(FileUploadHandler):
    """Takes every file of the field ``file``, each into a sealed spool of its own."""

    chunk_size = OneFileHandler.chunk_size

    def __init__(self, request: HttpRequest, open_spool: OpenSpool) -> None:
        super().__init__(request)
        self._open_spool = open_spool
        self._handlers: list[OneFileHandler] = []

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        if field_name != FILE_FIELD:
            raise SkipFile
        handler = OneFileHandler(self._request(), self._open_spool)
        self._handlers.append(handler)
        handler.new_file(field_name, file_name, *args, **kwargs)

    def _request(self) -> HttpRequest:
        assert self.request is not None  # noqa: S101 - given to __init__
        return self.request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._handlers[-1].receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> SealedUpload | None:
        return self._handlers[-1].file_complete(file_size)

    @property
    def is_too_large(self) -> bool:
        return any(handler.is_too_large for handler in self._handlers)

    def upload_interrupted(self) -> None:
        self.discard()

    def discard(self) -> None:
        """Removes every spool of this request that no import has taken over."""
        for handler in self._handlers:
            handler.discard()

    def handed_over(self, upload: SealedUpload) -> None:
        """An import owns this spool from now on."""
        self._handlers = [handler for handler in self._handlers if handler.import_id != upload.import_id]
