#!/usr/bin/env python
"""Django's command line, with the database that the settings name (or the embedded one) up for the command."""

import os
import sys

from django.core.management import execute_from_command_line

from governance import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    with embedded.database():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
