"""Connections for tests, made directly: what `connections.create` allows is tested where it is."""

from collections.abc import Mapping
from typing import Any

import msgspec

from governance.models import Team
from integrations import credentials, sealing
from integrations.models import Connection, ConnectionSecret, Purpose
from integrations.proofs import SchemeOptions
from integrations.systems.base import Scheme
from tests import factories

SECRET = "a secret of the sender, long enough"


def connection(
    team: Team,
    *,
    slug: str = "ci",
    system: str = "circleci",
    scheme: Scheme | None = Scheme.BEARER,
    secrets: tuple[str, ...] = (SECRET,),
    options: SchemeOptions | None = None,
    **columns: Any,
) -> Connection:
    """A connection of the system with any scheme, whether its system has it or not."""
    kept: Mapping[str, Any] = {"title": slug.title(), "namespace": f"{system}://{system}.example"} | columns
    made = Connection.objects.create(
        slug=slug,
        system=system,
        team=team,
        user=factories.user(f"connection-{slug}", is_service=True),
        scheme=scheme.value if scheme else "",
        scheme_options=msgspec.to_builtins(options) if options else {},
        **kept,
    )
    for place, secret in enumerate(secrets, start=1):
        is_path = scheme is Scheme.SECRET_PATH
        ConnectionSecret.objects.create(
            connection=made,
            purpose=Purpose.INCOMING,
            place=place,
            sealed=None if is_path else sealing.seal(secret),
            digest=credentials.digest(secret) if is_path else None,
        )
    return made
