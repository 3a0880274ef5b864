"""Commands on the tokens of the web service: make, list and remove them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from forecast.cli.options import HERE, Home

tokens = typer.Typer(help="Make, list and remove tokens of `forecast serve --http`.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the holder, for logs and jobs.")]


@tokens.command()
def add(
    name: Name,
    role: Annotated[
        Literal["reader", "analyst", "operator"],
        typer.Option(help="reader: read; analyst: also submit inputs; operator: also start and cancel runs."),
    ] = "reader",
    home: Home = HERE,
) -> None:
    """Make a token and print it, once. Only its hash is stored."""
    from forecast.web.tokens import add_token

    print(add_token(home, name, role, datetime.now(UTC).isoformat(timespec="seconds")))


@tokens.command(name="list")
def list_(home: Home = HERE) -> None:
    """List names and roles; the tokens themselves are not stored."""
    from forecast.web.tokens import read_tokens

    for name, stored in read_tokens(home).items():
        print(f"{stored['made'][:10]}  {stored['role']:<8} {name}")


@tokens.command()
def remove(name: Name, home: Home = HERE) -> None:
    """Remove a token; its holder is shut out at once."""
    from forecast.web.tokens import remove_token

    remove_token(home, name)
    print(f"the token of {name} is removed")
