"""Two editions of a table differ in exactly the rows that were added, removed or revised."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.editions import compare_editions
from forecast.data.tables import load_tables, table_text

SPENDING = load_tables().defence_spending.head(60)
ROWS = st.lists(st.integers(0, len(SPENDING) - 1), unique=True, max_size=10)


def test_same_text_has_no_differences() -> None:
    text = table_text(SPENDING)
    edition = compare_editions("defence_spending", text, text)
    assert not (edition.added or edition.removed or edition.changed)


@given(ROWS, ROWS, ROWS)
def test_planted_differences_are_found(gone: list[int], new: list[int], revised: list[int]) -> None:
    key = ["country", "year", "basis"]
    before = SPENDING.drop(index=new)
    after = SPENDING.drop(index=gone).assign(share_gdp=lambda t: t["share_gdp"].where(~t.index.isin(revised), 99.0))
    edition = compare_editions("defence_spending", table_text(before), table_text(after))

    def keys(rows: set[int]) -> set[tuple[str, ...]]:
        return {tuple(map(str, row)) for row in SPENDING.loc[sorted(rows), key].itertuples(index=False)}

    assert set(edition.added) == keys(set(new) - set(gone))
    assert set(edition.removed) == keys(set(gone) - set(new))
    assert set(edition.changed) == keys(set(revised) - set(new) - set(gone))
    for cells in edition.changed.values():
        assert list(cells) == ["share_gdp"]
        assert float(cells["share_gdp"][1]) == 99.0


def test_key_of_one_edition_is_text_as_in_the_other() -> None:
    frame = pd.DataFrame(SPENDING)
    edition = compare_editions("defence_spending", table_text(frame.iloc[:1]), table_text(frame.iloc[:2]))
    assert edition.added == (tuple(map(str, frame.loc[1, ["country", "year", "basis"]])),)
