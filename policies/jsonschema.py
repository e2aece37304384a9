"""The form of policy documents as JSON Schema, for editors. Pure."""

from typing import Any

import msgspec

from policies.checks.base import Check
from policies.checks.catalogue import CHECKS
from policies.documents import MAX_RULES, Head, RuleHead

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCES = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """What an editor needs to complete and check a policy. The server checks more, such as contradictions."""
    kinds = [Head, RuleHead, *(check.parameters for check in CHECKS.values())]
    (head, rule, *parameters), definitions = msgspec.json.schema_components(kinds, ref_template=REFERENCES)
    document = definitions.pop(_name(head))
    said = definitions.pop(_name(rule))
    said["properties"]["check"] = {"enum": sorted(CHECKS)}
    said.pop("description", None)
    by_check = []
    for check, reference in zip(CHECKS.values(), parameters, strict=True):
        own = definitions.pop(_name(reference), None) or {"properties": {}}
        definitions[check.id] = _rule(check, own, said["properties"])
        by_check.append(
            {
                "if": {"properties": {"check": {"const": check.id}}, "required": ["check"]},
                "then": {"$ref": REFERENCES.format(name=check.id)},
            }
        )
    document["properties"]["rules"] = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_RULES,
        "items": {"type": "object", "allOf": by_check, **{key: said[key] for key in ("properties", "required")}},
    }
    document["required"] = [*document["required"], "rules"]
    titled = {"title": "Assay policy", "description": "Which promotions it judges, and what must hold."}
    return {"$schema": DIALECT, **document, **titled, "$defs": definitions}


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _rule(check: Check, own: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": check.title,
        "type": "object",
        "properties": {**dict.fromkeys(shared, True), **own["properties"]},
        "required": ["check", *own.get("required", [])],
        "additionalProperties": False,
    }
