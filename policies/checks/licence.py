"""Data and code may be used."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

import license_expression
import msgspec
from boolean import ParseError
from license_expression import ExpressionError, ExpressionParseError

from policies.checks.base import Check, Facts, Finding, Parameters
from policies.checks.facts import LicenceFact
from policies.checks.reasons import Reasons, listed

Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MAX_LICENCES = 200


class LicenceParameters(Parameters, frozen=True, kw_only=True):
    """SPDX identifiers that are allowed, or else those that are denied; with an exception as `GPL-2.0-only WITH
    Classpath-exception-2.0`. `of`: whose licences must be known. Every expression is judged by its operators: of `OR`
    one side must be allowed, of `AND` both.
    """

    allow: Annotated[list[Expression], msgspec.Meta(min_length=1)] | None = None
    deny: Annotated[list[Expression], msgspec.Meta(min_length=1)] | None = None
    of: Annotated[list[Literal["data", "code", "model"]], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["data", "code"]
    )


class Licence(Check):
    """The licences of the training data, of the training code, and of the model if asked, are allowed.

    Read is the facet `assay_license` of each input of the newest training run (in the version that was read, else of
    the dataset as a whole), of its job, and of the model version. What has no licence is unknown, and so is what is no
    SPDX expression. A licence of your own is written `LicenseRef-…` and must be allowed by that name.
    """

    id = "licence"
    title = "Data and code may be used"
    remedy = (
        "State the licences that are missing as SPDX expressions in the facet assay_license; replace what is not "
        "allowed, or have the policy allow it. Then ask again."
    )
    needs = ("licences",)
    parameters = LicenceParameters

    def judge(self, parameters: LicenceParameters, facts: Facts) -> Finding:
        reasons = Reasons()
        for what in parameters.of:
            found = [fact for fact in facts.licences if fact.what == what]
            if not found:
                reasons.judge(None, f"no {what} of the training is known")
            _judge(parameters, what, found, reasons)
        required = {"allow": parameters.allow} if parameters.allow is not None else {"deny": parameters.deny}
        return Finding(
            outcome=reasons.outcome,
            summary=reasons.sentence,
            measured={f"{fact.what} {fact.name}": fact.expression for fact in facts.licences},
            required=required,
        )

    def problem(self, parameters: LicenceParameters) -> str:
        if (parameters.allow is None) == (parameters.deny is None):
            return "say either allow or deny"
        for word in parameters.allow or parameters.deny or ():
            if _parsed(word) is None or not _is_single(word):
                return f"{word!r} is no SPDX licence identifier"
        return ""


def _judge(parameters: LicenceParameters, what: str, found: list[LicenceFact], reasons: Reasons) -> None:
    unstated = [fact.name for fact in found if fact.expression is None]
    unread = [fact for fact in found if fact.expression is not None and _parsed(fact.expression) is None]
    if unstated:
        reasons.judge(None, f"{what} without a licence: {listed(unstated)}")
    if unread:
        reasons.judge(None, f"no SPDX expression: {listed(f'{fact.name} ({fact.expression})' for fact in unread)}")
    stated = [
        (fact.name, fact.expression) for fact in found if fact.expression and _parsed(fact.expression) is not None
    ]
    refused = [f"{name} ({expression})" for name, expression in stated if not _is_allowed(parameters, expression)]
    if refused:
        reasons.judge(False, f"{what} of a licence that is not allowed: {listed(refused)}")
    elif stated:
        reasons.judge(True, f"{what}: {listed(sorted({expression for _, expression in stated}))}")


def _is_allowed(parameters: LicenceParameters, expression: str) -> bool:
    allowed = {_canonical(word) for word in parameters.allow or ()}
    denied = {_canonical(word) for word in parameters.deny or ()}

    def single(identifier: str) -> bool:
        if parameters.allow is not None:
            return identifier in allowed
        # An exception grants more than the licence alone, so it is judged by its own name only if that is listed.
        return identifier not in denied and identifier.partition(" WITH ")[0] not in denied

    return _holds(_parsed(expression), single)


def _holds(node: Any, single: Callable[[str], bool]) -> bool:
    if isinstance(node, spdx().AND):
        return all(_holds(part, single) for part in node.args)
    if isinstance(node, spdx().OR):
        return any(_holds(part, single) for part in node.args)
    return single(node.render())


def _is_single(word: str) -> bool:
    return not isinstance(_parsed(word), (spdx().AND, spdx().OR))


def _canonical(word: str) -> str:
    return str(_parsed(word).render())


@cache
def spdx() -> Any:
    """The SPDX licence list, which the package carries with it. Read on first use: it takes a tenth of a second."""
    return license_expression.get_spdx_licensing()


def _parsed(expression: str) -> Any:
    """The expression as a tree, or None when it is none of known identifiers."""
    if expression.count(" ") > 2 * MAX_LICENCES:
        return None
    try:
        tree = spdx().parse(expression, validate=False, strict=True)
    except (ExpressionError, ExpressionParseError, ParseError):
        return None
    unknown = [key for key in spdx().unknown_license_keys(tree) if not key.startswith("LicenseRef-")]
    return None if tree is None or unknown else tree
