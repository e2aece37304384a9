"""Words of other systems for what has one word here. Pure.

What is not in a table is not translated: it is then unknown, and never taken for something it may not be.
"""

from collections.abc import Mapping
from types import MappingProxyType

from integrations.openlineage import Type

ENVIRONMENTS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("production", "prod", "live", "prd"), "production"),
        **dict.fromkeys(("staging", "stage", "stg", "preprod", "pre-production", "preproduction"), "staging"),
        **dict.fromkeys(("dev", "development", "test", "testing", "sandbox"), "dev"),
    }
)
SEVERITIES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("critical", "page", "error", "high", "fatal", "emergency", "red"), "critical"),
        **dict.fromkeys(("warning", "warn", "medium", "yellow", "ticket"), "warning"),
        **dict.fromkeys(("info", "informational", "low", "none", "green"), "info"),
    }
)
# What a run came to.
ENDS: Mapping[str, Type] = MappingProxyType(
    {
        **dict.fromkeys(("success", "succeeded", "successful", "passed", "completed", "neutral"), Type.COMPLETE),
        **dict.fromkeys(
            ("failed", "failure", "error", "errored", "timed_out", "startup_failure", "unstable", "partiallysucceeded"),
            Type.FAIL,
        ),
        **dict.fromkeys(
            ("canceled", "cancelled", "skipped", "aborted", "stale", "stopped", "not_built", "abandoned"), Type.ABORT
        ),
    }
)


def environment(word: str) -> str:
    """production, staging or dev; empty when the word is none that is known. `production/eu` is production."""
    head = word.strip().lower().partition("/")[0]
    return ENVIRONMENTS.get(head, "")


def severity(word: str) -> str:
    """critical, warning or info; empty when the word is none that is known."""
    return SEVERITIES.get(word.strip().lower(), "")


def end(word: str) -> Type | None:
    """What a run came to; None when it is not over, or the word is none that is known."""
    return ENDS.get(word.strip().lower())
