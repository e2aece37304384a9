"""The names of what is done, as the audit log keeps them. A name is never renamed; one out of use stays readable."""

from enum import StrEnum


class Action(StrEnum):
    USER_CREATED = "user.created"
    USER_DEACTIVATED = "user.deactivated"
    SIGNED_IN = "user.signed-in"
    SIGN_IN_REFUSED = "user.sign-in-refused"
    SIGNED_OUT = "user.signed-out"

    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"

    TEAM_CREATED = "team.created"
    TEAM_MEMBER_ADDED = "team.member-added"
    TEAM_MEMBER_CHANGED = "team.member-changed"
    TEAM_MEMBER_REMOVED = "team.member-removed"

    OWNER_ASSIGNED = "ownership.assigned"
    OWNER_ENDED = "ownership.ended"

    ASSET_CLASSIFIED = "asset.classified"

    TAG_SET = "tag.set"
    TAG_REMOVED = "tag.removed"

    NAMES_CONFIRMED = "names.confirmed"
    NAMES_REJECTED = "names.rejected"
    NAMES_UNDONE = "names.undone"

    ASSET_HIDDEN = "asset.hidden"
    ASSET_SHOWN = "asset.shown"

    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an action, not a secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105

    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CLOSED = "incident.closed"

    POLICY_PUBLISHED = "policy.published"
    POLICY_RETIRED = "policy.retired"

    EVIDENCE_STORED = "evidence.stored"
    EVIDENCE_PRUNED = "evidence.pruned"

    PROMOTION_REQUESTED = "promotion.requested"
    PROMOTION_APPROVED = "promotion.approved"
    PROMOTION_REJECTED = "promotion.rejected"
    PROMOTION_WITHDRAWN = "promotion.withdrawn"
    PROMOTION_DECIDED = "promotion.decided"
    PROMOTION_REOPENED = "promotion.reopened"
    PROMOTION_UNCOVERED = "promotion.no-longer-covered"
    PROMOTION_COVERED_AGAIN = "promotion.covered-again"

    WAIVER_REQUESTED = "waiver.requested"
    WAIVER_APPROVED = "waiver.approved"
    WAIVER_REFUSED = "waiver.refused"
    WAIVER_REVOKED = "waiver.revoked"
    WAIVER_EXPIRED = "waiver.expired"

    ANSWER_GIVEN = "answer.given"
    ANSWER_REVIEWED = "answer.reviewed"
    ANSWER_RECHECKED = "answer.rechecked"
    ANSWER_LAPSED = "answer.lapsed"
    ANSWER_REMINDED = "answer.reminded"

    EXEMPTION_GRANTED = "exemption.granted"
    EXEMPTION_ENDED = "exemption.ended"

    TARGET_SET = "target.set"

    INITIATIVE_OPENED = "initiative.opened"
    INITIATIVE_CLOSED = "initiative.closed"
    INITIATIVE_REMINDED = "initiative.reminded"
    INITIATIVE_REPORTED = "initiative.reported"

    SOURCE_SILENT = "source.silent"

    SNAPSHOT_TAKEN = "snapshot.taken"
    SNAPSHOT_RESTATED = "snapshot.restated"

    ORGANISATION_GENERATED = "organisation.generated"

    CONNECTION_CREATED = "connection.created"
    CONNECTION_CHANGED = "connection.changed"
    CONNECTION_PAUSED = "connection.paused"
    CONNECTION_RESUMED = "connection.resumed"
    CONNECTION_RETIRED = "connection.retired"
    CONNECTION_SECRET_ADDED = "connection.secret-added"  # noqa: S105 - the name of an action, not a secret
    OUTLET_SET = "outlet.set"
    DISPATCH_REPEATED = "dispatch.repeated"
    CONNECTION_SECRET_RETIRED = "connection.secret-retired"  # noqa: S105

    DELIVERY_REDELIVERED = "delivery.redelivered"
    DELIVERIES_REPLAYED = "delivery.replayed"

    JOIN_CONFIRMED = "join.confirmed"
    JOIN_REJECTED = "join.rejected"
    JOIN_UNDONE = "join.undone"

    SYSTEM_IMPORTED = "system.imported"

    EVENTS_IMPORTED = "events.imported"
    DEAD_LETTERS_REPLAYED = "events.dead-letters-replayed"
    GRAPH_REBUILT = "graph.rebuilt"
