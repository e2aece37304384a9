"""The record of a promotion: the verdict, what every check found with its charts, who approved, and all digests."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from policies import coverage, selectors
from policies.evaluation import State
from policies.models import Promotion, Verdict, Waiver
from portal import standings, waivers
from portal.findings import Shown
from portal.reports import pdf


def record(promotion: Promotion) -> bytes:
    """The record as it stands now, as PDF with the verdict and the findings as JSON inside. Takes a second and more.

    The promotion is read by `selectors.promotion`.
    """
    now = timezone.now()
    waived = selectors.waived(promotion, now)
    gaps = coverage.gaps(promotion, now) if promotion.state == State.PASSED else []
    uncovered_since = min((gap.since for gap in gaps), default=None)
    standing = standings.of(promotion, waived)
    verdict = promotion.verdicts.order_by("-number").first()
    approvals = sorted(promotion.approvals.all(), key=lambda approval: approval.decided_at)
    context = {
        "identity": f"Promotion {promotion.uuid}",
        "promotion": promotion,
        "findings": standing.findings,
        "mark": standing.mark,
        "headline": standing.headline,
        "is_final": State(promotion.state).is_final,
        "approvals": approvals,
        "waivers": [waivers.of(waiver, now) for waiver in selectors.waivers_of(promotion, waived)],
        "uncovered_since": uncovered_since,
        "policies": list(_policies(standing.findings)),
        "verdict": verdict,
        "versions": (verdict.document.get("versions") or {}) if verdict else {},
        "address": f"{settings.PUBLIC_URL}{reverse('promotion', args=[promotion.uuid])}",
    }
    title = f"{promotion.model_name} {promotion.version} to {promotion.stage}"
    document = _document(promotion, standing.findings, waived, verdict) | {"uncovered_since": uncovered_since}
    attached = {"promotion.json": document}
    return pdf.render("reports/promotion.html", context, title=title, attachments=attached)


def _policies(findings: Sequence[Shown]) -> Iterator[Any]:
    """The versions of policies that judged, each once."""
    yield from {one.policy.pk: one.policy for one in findings if one.policy is not None}.values()


def _document(
    promotion: Promotion, findings: Sequence[Shown], waived: Mapping[int, Waiver], verdict: Verdict | None
) -> dict[str, Any]:
    """What the record says, for machines, and what the verdict was derived from."""
    return {
        "id": promotion.uuid,
        "model": promotion.model_name,
        "namespace": promotion.namespace,
        "version": promotion.version,
        "stage": promotion.stage,
        "commit": promotion.commit,
        "state": promotion.state,
        "requested_by": promotion.requested_by.username,
        "requested_at": promotion.requested_at,
        "decided_at": promotion.decided_at,
        "watermark": promotion.watermark,
        "evidence": promotion.evidence,
        "waivers": sorted({str(waiver.uuid) for waiver in waived.values()}),
        "findings": [
            {
                "check": finding.check,
                "title": finding.title,
                "mode": finding.mode,
                "outcome": finding.outcome,
                "summary": finding.summary,
                "measured": finding.measured,
                "required": finding.required,
                "evidence": finding.evidence,
                "policy": finding.policy.policy.slug if finding.policy else None,
                "policy_digest": finding.policy.digest if finding.policy else None,
            }
            for finding in findings
        ],
        "verdict": verdict.document if verdict else None,
    }
