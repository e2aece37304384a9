"""Secrets at rest: encrypted with a key that is made from the installation's secret key.

With another secret key they cannot be read, so they have to be given again; `SECRET_KEY_FALLBACKS` names older keys.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from governance.errors import Unavailable

# Never changed: what is stored could not be read with another.
PURPOSE = b"assay connection secrets"


class Unreadable(Unavailable):
    """A secret was sealed under another secret key."""

    code = "secret_unreadable"


def seal(secret: str) -> bytes:
    return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).encrypt(secret.encode())


def unseal(sealed: bytes) -> str:
    """The secret. Raises Unreadable."""
    try:
        return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).decrypt(sealed).decode()
    except InvalidToken:
        raise Unreadable(
            "A secret of the connection was sealed under another ASSAY_SECRET_KEY: give it again by rotating it."
        ) from None


@lru_cache(maxsize=4)
def _box(*keys: str) -> MultiFernet:
    """The first key seals, any of them opens."""
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    made = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(made)
