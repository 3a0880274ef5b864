"""Find the country that a code of another system, or a name, stands for.

The tables use ISO 3166-1 alpha-3. Codes of other systems look alike without being related, such as `UKG` for the United
Kingdom and `UKR` for Ukraine, so only exact matches count. `country_codes.csv` holds the codes of ISO 3166, of the
Correlates of War project, of FIPS 10-4 and of the Olympic Committee, former codes, and names in common spellings.
"""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

#: Name of the system of each column with codes.
_SYSTEMS: Final = {
    "country": "ISO 3166",
    "iso2": "ISO 3166",
    "iso_number": "ISO 3166",
    "cow": "Correlates of War",
    "cow_number": "Correlates of War",
    "fips": "FIPS 10-4",
    "ioc": "Olympic Committee",
    "other": "former code",
}
_SMALL_WORDS: Final = ("the", "of", "and")


def country_hint(word: str) -> str:
    """Return `; did you mean 'GBR' (United Kingdom)?` with each country that `word` stands for.

    Where the systems disagree, each country is named with its system. The text is empty if `word` is no code and no
    name of another country.
    """
    meanings = {code: meaning for code, meaning in _meanings().get(_plain(word), {}).items() if code != word}
    disagree = len({system for _, system in meanings.values()}) > 1
    named = [f"{code!r} ({name}{f', {system}' if disagree else ''})" for code, (name, system) in meanings.items()]
    return f"; did you mean {' or '.join(named)}?" if named else ""


@cache
def _meanings() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Return for each code and name, in plain letters, the countries it stands for, each with its name and system."""
    text = (files("forecast.data") / "country_codes.csv").read_text(encoding="utf-8")
    meanings: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for row in csv.DictReader(text.splitlines(), strict=True):
        code, name = row["country"], row["name"]
        for column, system in _SYSTEMS.items():
            for word in filter(None, row[column].split(";")):
                meanings[_plain(word)].setdefault(code, (name, system))
        for word in filter(None, [name, *row["spellings"].split("; ")]):
            meanings[_plain(word)].setdefault(code, (name, "name"))
    return meanings


def _plain(word: str) -> str:
    """Return a code without leading zeros, or a name without accents, punctuation, capitals and small words."""
    letters = unicodedata.normalize("NFKD", word).casefold()
    words = "".join(c if c.isalnum() else " " * c.isspace() for c in letters).split()
    return "".join(w for w in words if len(words) == 1 or w not in _SMALL_WORDS).lstrip("0")
