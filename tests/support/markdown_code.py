"""Code in pages and notebooks: found, and executed as a reader would."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "reports" / "notebooks").glob("*.py"))


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a language, "" for those without one."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), flags=re.M | re.S)
    return [code for named, code in found if named == language]


def cells(notebook: Path) -> Iterator[str]:
    """Code cells of a text notebook in percent format."""
    for cell in re.split(r"^# %%", notebook.read_text("utf-8"), flags=re.M)[1:]:
        kind, _, code = cell.partition("\n")
        if "[markdown]" not in kind:
            yield code


def execute(code: str, where: str, names: dict[str, Any]) -> Any:
    """Run a cell; gives the value of its last expression, as a notebook shows it."""
    tree = ast.parse(code, where)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), where, "eval"), names)
    return None


def play(notebook: Path) -> list[Any]:
    """Run all cells of a notebook in order; what each shows."""
    names: dict[str, Any] = {"__name__": "__main__"}
    return [execute(code, notebook.name, names) for code in cells(notebook)]
