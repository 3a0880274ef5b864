"""`python -m forecast` is the command `forecast`."""

from forecast.cli.app import main

main()
