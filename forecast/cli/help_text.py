"""The help of `forecast` in plain text, with the commands in groups.

Typer's own help draws boxes with rich, whose import takes as long as everything else that `forecast --help` does.
"""

from collections import defaultdict
from typing import Any, Final

from typer.core import TyperGroup

_WHOLE: Final = 300  # letters of a summary, so that none is cut


class GroupedCommands(TyperGroup):
    """Commands that are listed under the title in `rich_help_panel`, in the order of definition."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each title."""
        groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, command in self.commands.items():
            groups[getattr(command, "rich_help_panel", "")].append((name, command.get_short_help_str(_WHOLE)))
        longest = max(map(len, self.commands))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), text) for name, text in rows])
