"""Signs the first user in inside the service's own process and prints the key of the session. For `bench.painting`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from django.conf import settings  # noqa: E402 - needs the settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402

from governance.models import User  # noqa: E402


def main() -> None:
    user = User.objects.get(username="admin")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    sys.stdout.write(f"{settings.SESSION_COOKIE_NAME} {session.session_key}")


if __name__ == "__main__":
    main()
