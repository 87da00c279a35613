"""Expressions that are compiled late are sound, and answer like any other."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import emberwatch.parsing
from emberwatch.core import patterns
from emberwatch.core.patterns import lazy


def test_it_answers_like_one_that_was_compiled_at_once() -> None:
    late, at_once = lazy(r"(?P<word>[a-z]+)", re.IGNORECASE), re.compile(r"(?P<word>[a-z]+)", re.IGNORECASE)
    for text in ("Abc 1", "", "12"):
        assert late.findall(text) == at_once.findall(text)
        assert bool(late.fullmatch(text)) == bool(at_once.fullmatch(text))
    assert (late.pattern, late.flags, late.groupindex) == (at_once.pattern, at_once.flags, at_once.groupindex)


def test_a_mistake_shows_at_the_first_use() -> None:
    broken = lazy("(")
    with pytest.raises(re.error):
        broken.search("x")


def test_every_expression_of_the_formats_compiles() -> None:
    """What compiling at the import would tell."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.iter_modules(emberwatch.parsing.__path__, "emberwatch.parsing.")
    ]
    late = [
        value for module in modules for value in vars(module).values() if isinstance(value, patterns._Lazy)
    ]
    assert len(late) > 50
    for expression in late:
        assert re.compile(expression._pattern, expression._flags)
