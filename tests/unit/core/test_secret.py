"""A secret refuses to be seen."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from emberwatch.core.secret import Secret


def test_it_prints_as_stars() -> None:
    secret = Secret("visible-value")
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>40}",
        str([secret]),
        repr([secret]),
    ):
        assert "visible-value" not in shown
        assert "****" in shown


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, vars])
def test_it_cannot_be_carried_away(escape: object) -> None:
    with pytest.raises(TypeError):
        escape(Secret("x"))  # type: ignore[operator]


def test_it_compares_by_value_and_never_to_text() -> None:
    assert Secret("é") == Secret("é")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len(Secret("äö")) == 2
