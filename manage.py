#!/usr/bin/env python
"""Django's command line, with the database up for as long as the command runs."""

import os
import sys

from django.core.management import execute_from_command_line

from governance import embedded, settings


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    with embedded.database(settings.DATA_DIR):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
