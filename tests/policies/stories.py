"""A model version in the graph, a policy, and the promotion asked for it."""

from typing import Any
from uuid import UUID

from governance.models import OwnerRole, Team, User
from lineage import identity
from policies import checking, promotions, publishing
from policies.models import Promotion
from tests import factories
from tests.lineage import growing

REGISTRY = "registry://r"
POLICY = """\
policy: credit
applies: {stage: production, model: {name: credit*}}
rules:
  - check: kpi
    metric: auc
    minimum: 0.8
    not_worse_than_production_by: 0.01
  - check: lineage-complete
  - check: ownership
    roles: [steward]
approvals: {count: 1}
"""


def trained(version: str, *, auc: float | None = 0.9, name: str = "credit", **outcome: Any) -> dict[str, Any]:
    """The run that wrote a version of the model, with its figure, its pinned input and its commit."""
    metrics = {"metrics": [{"name": "auc", "value": auc}]}
    location = {
        "type": "git",
        "url": "https://git.example/r",
        "repoUrl": "https://git.example/r",
        "version": "3f2a9c1d",
    }
    return {
        "eventTime": "2026-03-01T10:00:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"training of {name} {version}"},
        "job": {"namespace": "jobs", "name": "train", "facets": {"sourceCodeLocation": location}},
        "inputs": [{"namespace": "n", "name": "data", "facets": {"version": {"datasetVersion": "v7"}}}],
        "outputs": [
            {
                "namespace": REGISTRY,
                "name": name,
                "facets": {
                    "datasetType": {"datasetType": "MODEL"},
                    "version": {"datasetVersion": version},
                    "assay_modelMetrics": metrics,
                },
            }
        ],
    } | outcome


def model(name: str = "credit") -> UUID:
    return identity.asset("dataset", REGISTRY, name)


def grow(*documents: dict[str, Any]) -> None:
    growing.append(documents)
    growing.project()


def publish(text: str = POLICY) -> None:
    publishing.publish(actor=None, text=text)


def owned(team: Team, name: str = "credit") -> None:
    factories.ownership(model(name), OwnerRole.STEWARD, team)


def ask(actor: User, version: str = "1", **more: Any) -> Promotion:
    promotion, _ = promotions.request(
        actor=actor, **({"model": "credit", "version": version, "stage": "production"} | more)
    )
    return promotion


def pending(promotion: Promotion) -> list[int]:
    return list(promotion.findings.filter(is_done=False).values_list("pk", flat=True))


def judge(promotion: Promotion) -> Promotion:
    """Run the checks, as workers would, and give the promotion as it stands then."""
    checking.check(pending(promotion))
    promotion.refresh_from_db()
    return promotion
