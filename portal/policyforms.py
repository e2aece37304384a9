"""What people send about policies."""

from django import forms

from policies.publishing import MAX_NOTE_CHARS

MAX_DOCUMENT_CHARS = 256_000


class PolicyForm(forms.Form):
    """The next text of a policy, and why. `after` is the version that was read when writing began, 0 for none."""

    # The text is kept as it was written: its digest is its identity.
    document = forms.CharField(
        max_length=MAX_DOCUMENT_CHARS, strip=False, error_messages={"required": "Write the policy."}
    )
    note = forms.CharField(max_length=MAX_NOTE_CHARS, error_messages={"required": "Say why, for those who ask later."})
    after = forms.IntegerField(min_value=0)

    def clean_document(self) -> str:
        """Browsers send line ends of their own; a text read from a file must stay the same text."""
        return str(self.cleaned_data["document"]).replace("\r\n", "\n")


class RetireForm(forms.Form):
    """Why a policy is to judge nothing any more."""

    reason = forms.CharField(max_length=MAX_NOTE_CHARS, error_messages={"required": "Say why."})
