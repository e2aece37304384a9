"""What people send on the pages of maturity. A form reads and bounds the values; the rules are those of the nouns."""

from datetime import UTC, datetime, time

from django import forms

from assessments.framework import Extent
from governance.models import Team
from portal.maturity import words

MAX_TEXT_CHARS = 5_000
EVIDENCE_LINES = 3


class AnswerForm(forms.Form):
    """An answer with up to three references."""

    extent = forms.ChoiceField(choices=[(extent.value, words.EXTENTS[extent]) for extent in Extent])
    note = forms.CharField(max_length=MAX_TEXT_CHARS, required=False)

    def __init__(self, *arguments: object, **given: object) -> None:
        super().__init__(*arguments, **given)  # type: ignore[arg-type]  # a form's own arguments
        for number in range(EVIDENCE_LINES):
            self.fields[f"title_{number}"] = forms.CharField(max_length=300, required=False)
            self.fields[f"reference_{number}"] = forms.CharField(max_length=2_000, required=False)

    def evidence(self) -> list[tuple[str, str]]:
        """The lines that say something, title and reference."""
        lines = [
            (self.cleaned_data[f"title_{number}"], self.cleaned_data[f"reference_{number}"])
            for number in range(EVIDENCE_LINES)
        ]
        return [(title, reference) for title, reference in lines if title or reference]


class ReviewForm(forms.Form):
    """What an assessor found."""

    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("reject", "Reject")])
    reason = forms.CharField(max_length=MAX_TEXT_CHARS, required=False)


class ExemptionForm(forms.Form):
    """A criterion to set aside until the end of a day."""

    reason = forms.CharField(max_length=MAX_TEXT_CHARS, error_messages={"required": "Say why."})
    until = forms.DateField(error_messages={"required": "Say until when.", "invalid": "A day such as 2026-01-31."})

    def clean_until(self) -> datetime:
        return datetime.combine(self.cleaned_data["until"], time.max, UTC)


class TargetForm(forms.Form):
    """The level a team is to reach."""

    level = forms.IntegerField(min_value=0, max_value=20)
    reason = forms.CharField(max_length=MAX_TEXT_CHARS, required=False)


class InitiativeForm(forms.Form):
    """A level, or criteria chosen in the what-if panel, by a day."""

    title = forms.CharField(max_length=200, error_messages={"required": "Give it a name."})
    framework = forms.SlugField(max_length=80)
    level = forms.IntegerField(required=False, min_value=1, max_value=20)
    criteria = forms.CharField(required=False, max_length=10_000)
    teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.all(), to_field_name="slug", error_messages={"required": "Name at least one team."}
    )
    starts_on = forms.DateField(error_messages={"required": "Say when it starts."})
    ends_on = forms.DateField(error_messages={"required": "Say when it ends."})
    note = forms.CharField(max_length=MAX_TEXT_CHARS, required=False)

    def clean_criteria(self) -> list[str]:
        return [name for name in self.cleaned_data["criteria"].split(",") if name.strip()]


class EndForm(forms.Form):
    """Why an initiative ends before its time."""

    reason = forms.CharField(max_length=MAX_TEXT_CHARS, error_messages={"required": "Say why."})
