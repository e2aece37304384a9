"""Addresses of the assessments app under /api/v1/."""

from django.urls import path

from assessments.api import criteria, evidence, initiatives, organisation, scorecards, snapshots, words

urlpatterns = [
    path("scorecards", scorecards.ScorecardsView.as_view(), name="api-scorecards"),
    path("scorecards/<int:scorecard>", scorecards.ScorecardByIdView.as_view(), name="api-scorecard"),
    path("teams/<slug:slug>/scorecard", scorecards.TeamScorecardView.as_view(), name="api-team-scorecard"),
    path("teams/<slug:slug>/scorecard/trend", scorecards.TrendView.as_view(), name="api-team-trend"),
    path("teams/<slug:slug>/scorecard/evidence", evidence.EvidenceView.as_view(), name="api-team-evidence"),
    path("whatif", scorecards.WhatIfView.as_view(), name="api-whatif"),
    path("missing-facts", scorecards.MissingFactsView.as_view(), name="api-missing-facts"),
    path("changes", organisation.ChangesView.as_view(), name="api-changes"),
    path("next-actions", organisation.NextActionsView.as_view(), name="api-next-actions"),
    path("silent-sources", organisation.SilentSourcesView.as_view(), name="api-silent-sources"),
    path("snapshots", snapshots.SnapshotsView.as_view(), name="api-snapshots"),
    path("snapshots/<slug:framework>/<int:number>", snapshots.SnapshotView.as_view(), name="api-snapshot"),
    path("snapshots/<slug:framework>/<int:number>.csv", snapshots.SnapshotCsvView.as_view(), name="api-snapshot-csv"),
    path("frameworks", criteria.FrameworksView.as_view(), name="api-frameworks"),
    path("frameworks/<slug:framework>", criteria.FrameworkView.as_view(), name="api-framework"),
    path(
        "frameworks/<slug:framework>/criteria/<slug:criterion>", criteria.CriterionView.as_view(), name="api-criterion"
    ),
    path(
        "frameworks/<slug:framework>/criteria/<slug:criterion>/misses",
        criteria.MissesView.as_view(),
        name="api-criterion-misses",
    ),
    path(
        "frameworks/<slug:framework>/criteria/<slug:criterion>/misses.csv",
        criteria.MissesCsvView.as_view(),
        name="api-criterion-misses-csv",
    ),
    path(
        "frameworks/<slug:framework>/criteria/<slug:criterion>/evaluation",
        criteria.EvaluationView.as_view(),
        name="api-criterion-evaluation",
    ),
    path("frameworks/<slug:framework>/versions", criteria.VersionsView.as_view(), name="api-framework-versions"),
    path("answers", words.AnswersView.as_view(), name="api-answers"),
    path("answers/<int:answer>", words.AnswerView.as_view(), name="api-answer"),
    path("answers/<int:answer>/reviews", words.ReviewsView.as_view(), name="api-answer-reviews"),
    path("exemptions", words.ExemptionsView.as_view(), name="api-exemptions"),
    path("exemptions/<int:exemption>/end", words.ExemptionEndView.as_view(), name="api-exemption-end"),
    path("targets", words.TargetsView.as_view(), name="api-targets"),
    path("initiatives", initiatives.InitiativesView.as_view(), name="api-initiatives"),
    path("initiatives/<int:initiative>", initiatives.InitiativeView.as_view(), name="api-initiative"),
    path("initiatives/<int:initiative>/end", initiatives.InitiativeEndView.as_view(), name="api-initiative-end"),
]
