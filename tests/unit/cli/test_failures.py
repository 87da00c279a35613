"""Whatever goes wrong ends in one line and the right exit code, and quotes no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from emberwatch.cli.failures import report
from emberwatch.core.errors import BadInput, Conflict, EmberwatchError, NotAllowed, NotFound, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("No.", remedy="Do this."), 2),
        (NotFound("No.", remedy="Do this."), 2),
        (NotAllowed("No.", remedy="Do this."), 1),
        (Conflict("No.", remedy="Do this."), 1),
        (Unavailable("No.", remedy="Do this."), 1),
        (EmberwatchError("No.", remedy="Do this."), 1),
    ],
)
def test_our_own_errors(error: EmberwatchError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error) == code
    assert capsys.readouterr().err == "emberwatch: No. Do this.\n"


def test_a_wrong_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(typer.BadParameter("not a number")) == 2
    assert "not a number" in capsys.readouterr().err


def test_a_file_that_the_system_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(PermissionError(13, "Permission denied", "/data/leak.txt")) == 1
    assert capsys.readouterr().err == "emberwatch: Permission denied: /data/leak.txt.\n"


def test_a_mistake_of_ours_is_written_down_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMBERWATCH_DATA_DIR", str(tmp_path))
    try:
        raise KeyError("a-leaked-password")
    except KeyError as error:
        assert report(error) == 1
    line = capsys.readouterr().err
    log = tmp_path / "errors.log"
    assert line == f"emberwatch: This should not happen (KeyError). {log} says where.\n"
    assert "test_failures.py" in log.read_text()
    assert "a-leaked-password" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
