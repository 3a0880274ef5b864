"""Run the command `forecast` as `python -m forecast`."""

from forecast.cli.app import main

main()
