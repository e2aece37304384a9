"""A small graph that real events made, and people who are signed in."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance.models import OwnerRole, Team, User
from lineage import identity
from policies import checking, promotions, publishing
from policies.models import Promotion
from tests import factories
from tests.lineage import growing
from tests.portal.scenes import HOSTILE, REGISTRY, dataset, facets, run_event


@pytest.fixture
def graph(rows: None) -> UUID:
    """A training run, from data to a measured model, and a job that reads the model. Gives the model's UUID."""
    applications = dataset(
        "applications",
        version={"datasetVersion": "2026-01"},
        schema={"fields": [{"name": "income_eur", "type": "decimal(12,2)", "description": "Per year"}]},
        documentation={"description": "Loan applications as they came in."},
        tags={"tags": [{"key": "pii", "value": "yes", "field": "income_eur"}]},
        unheardOf={"answer": 42},
    )
    model = dataset(
        "credit-risk",
        namespace=REGISTRY,
        datasetType={"datasetType": "MODEL"},
        version={"datasetVersion": "7"},
        assay_modelMetrics={"metrics": [{"name": "auc", "value": 0.8731234567, "sampleSize": 24000}]},
    )
    commit = {
        "type": "git",
        "url": "https://git.example/m",
        "repoUrl": "https://git.example/m.git",
        "version": "9f2c" * 10,
    }
    start = run_event("train", inputs=[applications], outputs=[], kind="START", at="2026-01-02T09:58:00Z")
    trained = run_event("train", inputs=[applications], outputs=[model], job_facets=facets(sourceCodeLocation=commit))
    scored = run_event(HOSTILE, inputs=[model], outputs=[dataset(HOSTILE)], run="0f5b6b0c-8d3e-4c53-9b0f-6a8c2f3c1d02")
    growing.append([start, trained, scored])
    growing.project()
    return identity.asset("dataset", REGISTRY, "credit-risk")


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


POLICY = """\
policy: production-credit
applies: {stage: production, model: {name: credit-*}}
approvals: {count: 1}
rules:
  - check: ownership
    roles: [steward]
  - check: kpi
    metric: auc
    minimum: %s
  - check: lineage-complete
    mode: shadow
"""


@pytest.fixture
def ask(graph: UUID, team: Team, member: User) -> Callable[..., Promotion]:
    """Ask, as a member of the team that owns the model, for its promotion under a policy that needs one approval."""
    factories.ownership(graph, OwnerRole.STEWARD, team)

    def asked(minimum: float = 0.8) -> Promotion:
        publishing.publish(actor=None, text=POLICY % minimum)
        promotion, _ = promotions.request(actor=member, model="credit-risk", version="7", stage="production")
        return promotion

    return asked


@pytest.fixture
def judge() -> Callable[[Promotion], Promotion]:
    """Run the checks of a promotion, as workers do."""

    def judged(promotion: Promotion) -> Promotion:
        checking.check([finding.pk for finding in promotion.findings.all()])
        promotion.refresh_from_db()
        return promotion

    return judged
