"""What people send about how critical an asset is."""

from django import forms

from governance.classification import MAX_CHARS
from governance.criticality import DataClass, Tier


class ClassificationForm(forms.Form):
    """What an asset is from now on."""

    tier = forms.ChoiceField(
        choices=[("", "Nobody has said"), *((tier.value, tier.label) for tier in Tier)], required=False
    )
    data_classes = forms.MultipleChoiceField(choices=[(one.value, one.label) for one in DataClass], required=False)
    goals = forms.CharField(max_length=MAX_CHARS, required=False)
    done_when = forms.CharField(max_length=MAX_CHARS, required=False)
    reason = forms.CharField(max_length=MAX_CHARS, error_messages={"required": "Say why, for those who ask later."})
