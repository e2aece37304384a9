"""Joins: the rules by which what several systems say becomes one asset, what each made, and how that is undone."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from governance import permissions
from governance.errors import Conflict, Invalid, NotFound
from governance.models import User
from governance.permissions import Permission
from integrations import joins, selectors
from integrations.joins import Decision
from integrations.models import Join, JoinRule, JoinState
from lineage import naming
from portal import marks, names, paging, queries
from portal.pages import page, render, sent_from
from portal.requests import PortalRequest

# Names that senders tell and people confirm stand in the graph itself.
NAMES = "names"
RULES = (("", "All"), (JoinRule.NAME.value, "By name"), (JoinRule.FILES.value, "By files"), (NAMES, "Other names"))
SIZE = 25
WORDS = {
    Decision.CONFIRM: "It is",
    Decision.REJECT: "It is not",
    Decision.UNDO: "Undo",
}


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    rule = queries.choice(request, "rule", {value for value, _ in RULES})
    state = queries.choice(request, "state", {"", *JoinState})
    after = queries.text(request, "after")
    counts = selectors.counted_joins()
    query = urlencode({name: value for name, value in (("rule", rule), ("state", state)) if value})
    context: dict[str, Any] = {
        "rule": rule,
        "rules": RULES,
        "state": state,
        "states": [("", "All"), *((one.value, marks.JOIN_STATES[one].word) for one in JoinState)],
        "explained": [(one, sum(counts.get(one.slug, {}).values())) for one in joins.RULES],
        "query": query,
    }
    context |= _of_names(after) if rule == NAMES else _of_connections(request.user, rule, state, after)
    response = render(request, "connections", "joins/list.html", "joins/_list.html", context)
    response["HX-Replace-Url"] = reverse("joins") + (f"?{query}" if query else "")
    return response


def _of_connections(user: User, rule: str, state: str, after: str) -> dict[str, Any]:
    found = paging.by_id(selectors.joins(rule=rule, state=state), after, newest_first=True, size=SIZE)
    told = joins.told_through(found.rows)
    rows = [
        {
            "join": one,
            "why": joins.why(one),
            "told": told.get(one.pk),
            "history": joins.history(one) if one.decided_at else [],
            "choices": _choices(user, one),
        }
        for one in found.rows
    ]
    return {"page": found, "rows": rows}


def _of_names(after: str) -> dict[str, Any]:
    found = naming.joined(after=paging.whole(after) if after else 0, limit=SIZE + 1)
    shown = paging.cut(found, lambda one: str(one.id), after, SIZE)
    return {"page": shown, "named": [(one, names.WORDS[one.state]) for one in shown.rows]}


def _choices(user: User, join: Join) -> list[tuple[str, str]]:
    """What the person may decide next, as value and word of a button."""
    if not joins.may_decide(user, join):
        return []
    match JoinState(join.state):
        case JoinState.CONFIRMED | JoinState.REJECTED:
            decisions = [Decision.UNDO]
        case JoinState.AUTOMATIC:
            decisions = [Decision.REJECT]
        case JoinState.PROPOSED:
            may_confirm = permissions.may(user, Permission.MANAGE_ASSETS, asset=join.asset)
            decisions = [Decision.CONFIRM, Decision.REJECT] if may_confirm else [Decision.REJECT]
    return [(one.value, WORDS[one]) for one in decisions]


@sent_from("joins")
@page
@require_POST
def decide(request: PortalRequest, pk: int) -> HttpResponse:
    """Say whether a name or address is what it was taken for, or take that back."""
    word = request.POST.get("decision", "")
    if word not in set(Decision):
        raise NotFound("There is no such decision.", fields={"decision": "Unknown."})
    try:
        decided = joins.decide(
            actor=request.user,
            join=selectors.join(pk),
            decision=Decision(word),
            reason=request.POST.get("reason", ""),
        )
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    else:
        now = marks.JOIN_STATES[JoinState(decided.state)].word.lower()
        messages.success(request, f"The join is {now} from now on, with your name in the record.")
    kept = urlencode({name: value for name in ("rule", "state") if (value := request.POST.get(name, ""))})
    return redirect(reverse("joins") + (f"?{kept}" if kept else "") + f"#join-{pk}")
