"""What addresses of the app read of a request beside its body."""

from rest_framework.request import Request

from governance.errors import Invalid

MAX_KEY_CHARS = 200


def idempotency_key(request: Request) -> str | None:
    """The header by which a repeat of a write is known; None when it has none. Raises Invalid."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        says = f"1 to {MAX_KEY_CHARS} printable ASCII characters."
        raise Invalid(f"Idempotency-Key: {says}", fields={"Idempotency-Key": says})
    return str(key)
