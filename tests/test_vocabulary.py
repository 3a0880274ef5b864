"""The text of package and documentation avoids the retired words that `docs/glossary.md` lists."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.markdown_code import NOTEBOOKS, PAGES, ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
SECTION = "## Words we do not use"
PYTHON = sorted((ROOT / "forecast").rglob("*.py"))
TEMPLATES = sorted((ROOT / "forecast" / "reporting" / "templates").glob("*.[hm][td]*"))
READMES = [ROOT / folder / "README.md" for folder in ("priors", "runs", "reports")]
DOCUMENTS = [*PAGES, *READMES, ROOT / "CHANGELOG.md", *NOTEBOOKS]
#: Made by `tests.tools.generate_reference` from the code and the priors, or by `forecast score`.
GENERATED = {"output.md", "plan.md", "priors.md", "rules.md", "tables.md", "scores.md"}

#: Pronoun chains that make a reader look back; a few are natural English.
CHAINS = re.compile(r"\b(?:of which|that of (?:the|a)|those of (?:the|a))\b", re.IGNORECASE)
MOST_CHAINS = 40

#: Phrases that contain a retired word and are allowed, with the reason.
ALLOWED = {
    "White House": "name of an institution",
    "House of Representatives": "name of an institution",
    "House of Commons": "name of an institution",
    "upper house": "a chamber of parliament",
    "lower house": "a chamber of parliament",
    "Room for Manoeuvre": "title of a work",
    "shelf life": "established term",
}


@cache
def retired_words() -> dict[str, str]:
    """Each retired word or phrase with what to write instead, from the table of the glossary."""
    table = GLOSSARY.read_text("utf-8").partition(SECTION)[2]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, flags=re.M)
    words = {word.strip(): instead for names, instead in rows for word in names.split(",")}
    return {word: instead for word, instead in words.items() if word not in ("not", "---")}


@cache
def pattern() -> re.Pattern[str]:
    """A pattern for any retired word as a whole word; a phrase may run over a line break."""
    longest_first = sorted(retired_words(), key=len, reverse=True)
    words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)
    return re.compile(rf"(?<![\w./-])(?:{words})(?![\w/-])", re.IGNORECASE)


def blank(match: re.Match[str]) -> str:
    """A space and the line breaks of what was matched, so that line numbers stay."""
    return " " + "\n" * match[0].count("\n")


def without_code(text: str) -> str:
    """Blank the marks of code blocks, code spans, link targets, URLs and allowed phrases."""
    text = re.sub(r"^```.*$", " ", text, flags=re.M)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", blank, text)
    for phrase in ALLOWED:
        text = re.sub(re.escape(phrase).replace(r"\ ", r"\s+"), blank, text, flags=re.IGNORECASE)
    return text


def findings(passages: Iterator[tuple[int, str]]) -> list[str]:
    """`line: word -> replacement` for each retired word in numbered passages."""
    lines = []
    for number, text in passages:
        plain = without_code(text)
        for match in pattern().finditer(plain):
            word = re.sub(r"\s+", " ", match[0])
            line = number + plain[: match.start()].count("\n")
            lines.append(f"{line}: {word!r} -> {retired_words()[word.lower()]}")
    return lines


def markdown_text(path: Path) -> Iterator[tuple[int, str]]:
    """The prose of a page without fenced code; comments in the code count as prose."""
    text = path.read_text("utf-8").partition(SECTION)[0] if path == GLOSSARY else path.read_text("utf-8")
    prose = re.sub(r"^```(?:python|toml|r|yaml|ini).*?^```$", _comments_alone, text, flags=re.M | re.S)
    yield 1, prose


def _comments_alone(block: re.Match[str]) -> str:
    return "\n".join(line[line.find("#") :] if "#" in line else "" for line in block[0].split("\n"))


def template_text(path: Path) -> Iterator[tuple[int, str]]:
    """The text of a template without tags and Jinja expressions, whose string literals remain."""
    text = path.read_text("utf-8")
    text = re.sub(r"\{#.*?#\}", blank, text, flags=re.S)
    text = re.sub(r"\{[{%].*?[%}]\}", _literals, text, flags=re.S)
    yield 1, re.sub(r"<[^>]*>", blank, text)


def _literals(expression: re.Match[str]) -> str:
    prose = [text for text in re.findall(r'"([^"]*)"', expression[0]) if " " in text]
    return " ".join(prose) + "\n" * (expression[0].count("\n") - " ".join(prose).count("\n"))


def python_text(path: Path) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and other string literals with a space: messages, labels and help texts."""
    source = path.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value


def text_of(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        return python_text(path)
    return template_text(path) if path in TEMPLATES else markdown_text(path)


def test_the_glossary_lists_retired_words() -> None:
    assert len(retired_words()) > 40
    assert retired_words()["luck"] == "shocks, random numbers"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The luck of a path.", 1),
        ("What is owed\nto the draws.", 1),
        ("`luck` is code, and lucky is not luck's form", 1),
        ("Shocks are random numbers.", 0),
        ("It was fated; the telling labs are unaffected", 0),
    ],
)
def test_retired_words_are_found_in_a_text(text: str, number: int) -> None:
    assert len(findings(iter([(1, text)]))) == number


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documentation_has_no_retired_words(path: Path) -> None:
    assert findings(text_of(path)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_report_templates_have_no_retired_words(path: Path) -> None:
    assert findings(text_of(path)) == []


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_comments_and_messages_have_no_retired_words(path: Path) -> None:
    assert findings(text_of(path)) == []


def test_pronoun_chains_are_rare() -> None:
    texts = [without_code(text) for path in (*DOCUMENTS, *TEMPLATES, *PYTHON) for _, text in text_of(path)]
    assert sum(len(CHAINS.findall(text)) for text in texts) <= MOST_CHAINS


@pytest.mark.parametrize("path", [p for p in PAGES if p.name not in GENERATED], ids=lambda path: path.name)
def test_numbers_on_a_page_have_a_leading_zero(path: Path) -> None:
    prose = without_code(next(markdown_text(path))[1])
    assert re.findall(r"(?<![\w.\"'/*])\.\d+", prose) == []


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.parent.name == "docs" and p.name not in GENERATED | {"glossary.md"}]
)
def test_each_page_links_to_the_glossary(path: Path) -> None:
    assert "(glossary.md)" in path.read_text("utf-8")
