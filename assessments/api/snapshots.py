"""Snapshots over HTTP: the list, and each one whole as JSON or CSV, made as it is sent."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import exports, portfolio
from assessments.api import documents, tables
from assessments.api.documents import SnapshotOut
from assessments.models import Scorecard, Snapshot
from governance import openapi, rest
from governance.errors import NotFound
from governance.tokens import Scope

BATCH_ROWS = 200
COLUMNS = (
    "framework", "snapshot", "kind", "as_of", "catalogue_version", "team", "model", "level", "published_level", "score",
    "criterion", "status", "points", "credit", "low", "high", "true", "false", "unknown", "not_applicable", "needed",
    "oldest_at", "coverage", "freshness", "volume", "strength", "missing", "misses", "answer", "exemption",
)  # fmt: skip


class SnapshotsQuery(rest.Paging, frozen=True, kw_only=True):
    """Which snapshots."""

    framework: str = ""
    kind: Literal["computed", "published", "restatement"] | None = None


class SnapshotsView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="snapshots_list",
        summary="Snapshots, the newest first",
        parameters=openapi.query_parameters(SnapshotsQuery),
        responses={200: rest.page_schema(rest.schema_of(SnapshotOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, SnapshotsQuery)
        found = Snapshot.objects.select_related("restates")
        if asked.framework:
            found = found.filter(framework=asked.framework)
        if asked.kind:
            found = found.filter(kind=asked.kind)
        pages = rest.Cursor()
        return pages.get_paginated_response(
            [documents.snapshot_out(one) for one in pages.paginate_queryset(found, request)]
        )


class SnapshotView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="snapshot",
        summary="One snapshot with every scorecard in it",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, framework: str, number: int) -> StreamingHttpResponse:
        rest.query(request, rest.Body)
        snapshot = _snapshot(framework, number)
        return StreamingHttpResponse(_json(snapshot), content_type="application/json")


class SnapshotCsvView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="snapshot_csv",
        summary="One snapshot as a table: a row for each team or model and criterion",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, framework: str, number: int) -> StreamingHttpResponse:
        rest.query(request, rest.Body)
        snapshot = _snapshot(framework, number)
        name = f"{framework}-{number}.csv"
        rows = (row for card in _cards(snapshot) for row in _csv_rows(card))
        return tables.response(COLUMNS, rows, name=name)


def _snapshot(framework: str, number: int) -> Snapshot:
    found = Snapshot.objects.select_related("restates")
    one = found.filter(framework=framework, number=number).first() if number < 2**31 else None
    if one is None:
        known = ", ".join(framework.framework for framework in portfolio.frameworks())
        raise NotFound(
            f"There is no snapshot {framework} {number}; frameworks are {known}.", fields={"snapshot": "unknown"}
        )
    return one


def _cards(snapshot: Snapshot) -> Iterator[Scorecard]:
    rows = snapshot.scorecards.select_related("team", "snapshot").order_by("team__slug", "model")
    return rows.iterator(chunk_size=BATCH_ROWS)


def _json(snapshot: Snapshot) -> Iterator[bytes]:
    head = msgspec.json.encode(exports.head(snapshot))
    yield head[:-1] + b',"scorecards":['
    for number, card in enumerate(_cards(snapshot)):
        yield (b"," if number else b"") + msgspec.json.encode(exports.whole(card))
    yield b"]}"


def _csv_rows(card: Scorecard) -> Iterator[dict[str, Any]]:
    """One row for each result; one without a criterion where there is none, so that no team is left out."""
    about = {
        "framework": card.snapshot.framework,
        "snapshot": card.snapshot.number,
        "kind": card.snapshot.kind,
        "as_of": card.snapshot.as_of.isoformat(),
        "catalogue_version": card.snapshot.catalogue_version,
        "team": card.team.slug if card.team else "",
        "model": card.model or "",
        "level": card.level,
        "published_level": card.published_level,
        "score": card.score,
    }
    for result in card.results or [{}]:
        plain = {name: result.get(name) for name in COLUMNS if name in result and name != "missing"}
        confidence = result.get("confidence", {})
        missing = "; ".join(result.get("missing", ()))
        misses = "; ".join(miss["asset"] for miss in result.get("misses", ()))
        yield about | plain | result.get("items", {}) | confidence | {"missing": missing, "misses": misses}
