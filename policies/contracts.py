"""Facts of data contracts upstream: what owners promised, held against what was observed last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from lineage import facetschemas, remarks, selectors, traversal
from lineage.facetschemas import Assertions, Contract
from lineage.models import Asset
from lineage.traversal import Direction
from policies import remarked
from policies.checks.facts import BreachFact, ContractFact, ContractsFact
from policies.checks.schema_match import alike
from policies.models import Promotion

MAX_UPSTREAM = 10_000
# Of the newest remarks with assertions; an older one that none of them repeats counts as not observed.
MAX_REMARKS = 500
MAX_VERSIONS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed of a dataset last. Columns with their types; each assertion with whether it held, and when."""

    columns: dict[str, str] | None
    columns_at: datetime | None
    assertions: dict[tuple[str, str | None], tuple[bool, datetime]]
    written_at: datetime | None


def gather(promotion: Promotion, parameters: object) -> dict[str, Any]:
    """Nothing when no run is known that wrote the version."""
    inputs = remarked.inputs(promotion)
    if not inputs:
        return {}
    model = selectors.asset(promotion.model)
    upstream, has_more = traversal.closure(root=model.pk, direction=Direction.UPSTREAM, limit=MAX_UPSTREAM)
    own = [selectors.asset(one.asset) for one in inputs]
    said = selectors.facet_on([*upstream, *(asset.pk for asset in own)], facetschemas.CONTRACT)
    promised = {pk: body for pk, body in said.items() if not (isinstance(body, dict) and body.get("_deleted") is True)}
    now = timezone.now()
    facts = [_contract(asset, promised[asset.pk], now) for asset in selectors.in_order(sorted(promised))]
    problem = f"more than {MAX_UPSTREAM:,} assets are upstream" if has_more else ""
    without = sorted({asset.name for asset in own if asset.pk not in promised})
    return {"contracts": ContractsFact(contracts=facts, inputs_without=without, problem=problem)}


def _contract(asset: Asset, body: Any, now: datetime) -> ContractFact:
    contract = facetschemas.read(Contract, body)
    if contract is None:
        return ContractFact(dataset=asset.name, version="", unknown=["what its contract says"])
    observed = _observed(asset, contract)
    unknown = list(_unknown(contract, observed))
    breaches = [
        BreachFact(summary=summary, since=since.isoformat()) for summary, since in _breaches(contract, observed, now)
    ]
    return ContractFact(dataset=asset.name, version=contract.version, breaches=breaches, unknown=unknown)


def _observed(asset: Asset, contract: Contract) -> Observed:
    columns, columns_at, written_at = None, None, None
    if contract.columns or contract.no_other_columns:
        for facet in selectors.facets(asset):
            if facet.key == "schema" and (found := _columns(facet.value)) is not None:
                columns, columns_at = found, facet.seen_at
    if contract.fresh_within_hours is not None:
        written_at = next((version.at for version in selectors.versions(asset, limit=MAX_VERSIONS)), None)
    assertions: dict[tuple[str, str | None], tuple[bool, datetime]] = {}
    if contract.assertions:
        for remark in remarks.of_dataset(asset.uuid, [facetschemas.ASSERTIONS], limit=MAX_REMARKS):
            facet_of_remark = facetschemas.read(Assertions, remark.body)
            for one in facet_of_remark.assertions if facet_of_remark else ():
                success, at = assertions.setdefault((one.assertion, one.column), (one.success, remark.said_at))
                if remark.is_contradicted and at == remark.said_at:
                    # By two names of the dataset at one instant: the worse counts.
                    assertions[one.assertion, one.column] = (success and one.success, at)
    return Observed(columns=columns, columns_at=columns_at, assertions=assertions, written_at=written_at)


def _columns(schema: Any) -> dict[str, str] | None:
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list):
        return None
    return {
        field["name"]: str(field.get("type") or "")
        for field in fields
        if isinstance(field, dict) and isinstance(field.get("name"), str)
    }


def _unknown(contract: Contract, observed: Observed) -> Iterator[str]:
    """What is promised and was never observed. A contract that promises nothing cannot be kept either."""
    asks_columns = bool(contract.columns) or contract.no_other_columns
    if asks_columns and observed.columns is None:
        yield "its columns"
    if observed.columns is not None:
        for column in contract.columns:
            if column.type and observed.columns.get(column.name) == "":
                yield f"the type of {column.name}"
    for promise in contract.assertions:
        if (promise.assertion, promise.column) not in observed.assertions:
            yield _named(promise.assertion, promise.column)
    if contract.fresh_within_hours is not None and observed.written_at is None:
        yield "when it was written"
    if not (asks_columns or contract.assertions or contract.fresh_within_hours):
        yield "anything, since its contract promises nothing"


def _breaches(contract: Contract, observed: Observed, now: datetime) -> Iterator[tuple[str, datetime]]:
    if observed.columns is not None and observed.columns_at is not None:
        for column in contract.columns:
            found = observed.columns.get(column.name)
            if found is None:
                yield f"the column {column.name} is missing", observed.columns_at
            elif not alike(column.type, found):
                yield f"the column {column.name} is {found} and not {column.type}", observed.columns_at
        others = sorted(observed.columns.keys() - {column.name for column in contract.columns})
        if contract.no_other_columns and others:
            yield f"other columns are there: {', '.join(others[:5])}", observed.columns_at
    for promise in contract.assertions:
        holds, at = observed.assertions.get((promise.assertion, promise.column), (True, now))
        if not holds:
            yield f"{_named(promise.assertion, promise.column)} failed", at
    if contract.fresh_within_hours is not None and observed.written_at is not None:
        due = observed.written_at + timedelta(hours=contract.fresh_within_hours)
        if due < now:
            yield f"not written for more than {contract.fresh_within_hours:g} hours", due


def _named(assertion: str, column: str | None) -> str:
    return f"{assertion} of {column}" if column else assertion
