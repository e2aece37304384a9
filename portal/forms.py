"""What people send. A form reads and bounds the values; the rules are those of the nouns that are called."""

from collections.abc import Sequence
from datetime import timedelta

from django import forms
from django.core.validators import MaxValueValidator
from django.http import QueryDict

from governance.models import OwnerRole, Team, TeamRole, User
from governance.tokens import Scope

# Days; none beyond what `tokens` allows.
TOKEN_LIFETIMES = (30, 90, 180, 365)
SCOPE_WORDS = {
    Scope.LINEAGE_WRITE: "Send events",
    Scope.READ: "Read assets, lineage, promotions, policies and maturity",
    Scope.PROMOTIONS_WRITE: "Ask for promotions and withdraw them",
    Scope.POLICIES_WRITE: "Publish policies",
    Scope.GOVERNANCE_WRITE: "Change owners and teams",
    Scope.MATURITY_WRITE: "Answer and review criteria, grant exemptions, set targets, open initiatives",
    Scope.ALL: "Everything that you may do",
}
MAX_REASON_CHARS = 2_000


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(max_length=100, error_messages={"required": "Say what will use the token."})
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        error_messages={"required": "Choose at least one scope."},
    )
    days = forms.TypedChoiceField(choices=[(days, f"{days} days") for days in TOKEN_LIFETIMES], coerce=int, initial=90)


class OwnerForm(forms.Form):
    """A new owner of an asset."""

    role = forms.ChoiceField(choices=OwnerRole.choices)
    team = forms.ModelChoiceField(queryset=Team.objects.all(), to_field_name="slug")
    user = forms.CharField(required=False, max_length=150)

    def clean_user(self) -> User | None:
        name = self.cleaned_data["user"]
        return _account(name) if name else None


class TeamForm(forms.Form):
    """A new team. What may stand in its fields is for `governance.teams` to say."""

    name = forms.CharField(error_messages={"required": "Say what people call the team."})
    slug = forms.CharField(error_messages={"required": "Say its short name; it stays."})


class MemberForm(forms.Form):
    """What somebody is to be in a team."""

    user = forms.CharField(max_length=150, error_messages={"required": "Name an account."})
    role = forms.ChoiceField(choices=TeamRole.choices, initial=TeamRole.MEMBER)

    def clean_user(self) -> User:
        return _account(self.cleaned_data["user"])


def _account(name: str) -> User:
    found = User.objects.filter(username=name).first()
    if found is None:
        raise forms.ValidationError("There is no account of this name.")
    return found


class WaiverForm(forms.Form):
    """What somebody asks for when a rule is to be set aside for a time."""

    scope = forms.ChoiceField(initial="version")
    days = forms.IntegerField(min_value=1)
    ticket = forms.CharField(max_length=200, error_messages={"required": "Name the ticket that mends the fault."})
    reason = forms.CharField(
        max_length=MAX_REASON_CHARS, error_messages={"required": "Say why the rule should be set aside."}
    )

    def __init__(self, data: QueryDict | None, *, teams: Sequence[Team], longest: timedelta) -> None:
        super().__init__(data)
        self.fields["scope"].choices = [  # type: ignore[attr-defined]  # it is a ChoiceField
            ("version", "This version alone"),
            ("model", "Every version of this model"),
            *((f"team:{team.slug}", f"Every model of {team.name}") for team in teams),
        ]
        self.fields["days"].max_value = longest.days  # type: ignore[attr-defined]  # it is an IntegerField
        self.fields["days"].validators.append(MaxValueValidator(longest.days, f"At most {longest.days} days."))
        self.fields["days"].initial = min(14, longest.days)


class WaiverDecisionForm(forms.Form):
    """An approval or a refusal of a waiver, with its reason."""

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("refuse", "Refuse")])
    reason = forms.CharField(max_length=MAX_REASON_CHARS, required=False)


class ReasonForm(forms.Form):
    """Why something is ended."""

    reason = forms.CharField(max_length=MAX_REASON_CHARS, required=False)


class DecisionForm(forms.Form):
    """An approval or a rejection, with its reason."""

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
    reason = forms.CharField(max_length=MAX_REASON_CHARS, required=False)
