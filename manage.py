#!/usr/bin/env python
"""Django's command line for miniconf; `manage.py up` starts the whole site."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "miniconf.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.INSTALLED_APPS  # read them now, so that a wrong one is said in a sentence
    except ImproperlyConfigured as error:
        sys.exit(f"miniconf: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
