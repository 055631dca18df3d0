"""`python -m migrate` is `ms-migrate`."""

from migrate.cli import main

main()
