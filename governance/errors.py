"""Refusals: a stable code for machines and a sentence for people that says what to do."""

from collections.abc import Mapping


class DomainError(Exception):
    """A request that cannot be carried out as asked. Faces turn it into a status and a message in one place each."""

    code = "refused"
    status = 400

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        if code is not None:
            self.code = code


class Invalid(DomainError):
    """A value is wrong; `fields` names it."""

    code = "invalid"
    status = 400


class Unauthenticated(DomainError):
    """Nobody is known to ask: there is no credential, or it is not good (any more)."""

    code = "not_authenticated"
    status = 401


class Denied(DomainError):
    """The actor may not do this."""

    code = "denied"
    status = 403


class NotFound(DomainError):
    """There is no such thing, or the actor may not know of it."""

    code = "not_found"
    status = 404


class Conflict(DomainError):
    """The state of the thing does not allow this."""

    code = "conflict"
    status = 409


class TooLarge(DomainError):
    """More bytes than the receiver takes."""

    code = "too_large"
    status = 413


class UnsupportedMedia(DomainError):
    """The body is of a kind that the receiver does not read."""

    code = "unsupported_media_type"
    status = 415


class Unavailable(DomainError):
    """The service cannot take this now; the same request may pass later."""

    code = "unavailable"
    status = 503
    retry_after_s = 5
