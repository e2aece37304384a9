import threading

from django.db import connection

from governance import tokens, users
from governance.errors import Invalid
from governance.models import ApiToken, User
from tests import factories


def test_no_live_token_is_left_behind(committed_db: object, administrator: User) -> None:
    """Whichever comes first: the token is revoked with the account, or not issued to it any more."""
    for attempt in range(5):
        user = factories.user(f"leaving-{attempt}")
        start = threading.Barrier(2)

        def issue(user: User = user, start: threading.Barrier = start) -> None:
            try:
                start.wait()
                tokens.issue(actor=None, user=user, scopes=["read"], name="last")
            except Invalid:
                pass  # The account was ended first.
            finally:
                connection.close()

        issuing = threading.Thread(target=issue)
        issuing.start()
        start.wait()
        users.deactivate(actor=administrator, user=user)
        issuing.join()

        assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()
