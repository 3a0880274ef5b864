"""Freed memory goes back where the C library can give it back, and nothing happens elsewhere."""

import ctypes
from types import SimpleNamespace

import pytest

from forecast.inference.memory import return_memory


class Library(SimpleNamespace):
    """A C library that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(asked=[])

    def mallopt(self, setting: int, value: int) -> int:
        self.asked.append((setting, value))
        return 1

    def malloc_trim(self, kept: int) -> int:
        self.asked.append("trim")
        return 1


def test_large_arrays_have_pages_of_their_own_and_free_memory_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    return_memory()
    assert library.asked[-1] == "trim"
    assert {setting for setting, _ in library.asked[:-1]} == {-1, -3, -8}  # as in malloc.h


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    return_memory()
