"""Provenance names what can move a last digit."""

from collections.abc import Iterator

import pytest

from forecast.workspace.provenance import library_versions


@pytest.fixture
def fresh() -> Iterator[None]:
    library_versions.cache_clear()
    yield
    library_versions.cache_clear()


@pytest.mark.case("B31")
@pytest.mark.usefixtures("fresh")
def test_variables_that_choose_another_processor_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX2 FMA3")
    recorded = library_versions()
    assert recorded["NPY_DISABLE_CPU_FEATURES"] == "AVX2,FMA3"
    assert "OPENBLAS_CORETYPE" not in recorded
