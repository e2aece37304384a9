"""What makes a rule the same rule: a waiver names it by this key. Pure."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from policies.checks.catalogue import CHECKS

DIGITS = 12


def key(check_id: str, parameters: Mapping[str, Any]) -> str:
    """The check, and a digest of what it is asked: "kpi:1f0a9b77c3de".

    The mode is no part of it. A rule that asks for anything else has another key, so that nobody's approval of one
    exception comes to cover another. Defaults are left out: a parameter that a check learns later changes no key.
    """
    asked = without_defaults(check_id, parameters)
    digest = hashlib.sha256(msgspec.json.encode([check_id, asked], order="deterministic")).hexdigest()
    return f"{check_id}:{digest[:DIGITS]}"


def without_defaults(check_id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule says that it would not ask anyway."""
    defaults = _defaults(check_id)
    return {name: said for name, said in parameters.items() if name not in defaults or said != defaults[name]}


@cache
def _defaults(check_id: str) -> Mapping[str, Any]:
    """Nothing for a check that is retired: then everything that a rule said counts."""
    check = CHECKS.get(check_id)
    return {
        field.encode_name: msgspec.to_builtins(
            field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        )
        for field in (msgspec.structs.fields(check.parameters) if check else ())
        if not field.required
    }
