"""What people send about connections. The rules are those of `integrations.connections`; here texts become values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml
from django import forms

from governance import yamldocuments
from governance.errors import Invalid
from governance.models import Team
from governance.yamldocuments import BadDocument
from integrations import connections
from integrations.carriers.base import Carrier
from integrations.connections import Settings
from integrations.models import Connection
from integrations.notices import Kind
from integrations.outmodels import Outlet
from integrations.systems.base import Scheme, System

MAX_DOCUMENT_CHARS = 64_000
MAX_SAMPLE_CHARS = 1_000_000
SCHEME_WORDS: Mapping[Scheme, str] = {
    Scheme.GITHUB: "Signature as GitHub's",
    Scheme.BITBUCKET: "Signature as Bitbucket's",
    Scheme.CIRCLECI: "Signature as CircleCI's",
    Scheme.MLFLOW: "Signature as MLflow's",
    Scheme.DATABRICKS: "Signature as Databricks'",
    Scheme.STANDARD_WEBHOOKS: "Signature of Standard Webhooks",
    Scheme.GRAFANA: "Signature as Grafana's",
    Scheme.TOKEN_HEADER: "Secret in a header of its own",
    Scheme.BEARER: "Bearer token",
    Scheme.BASIC: "User name and password",
    Scheme.OIDC: "Signed token of an identity provider",
    Scheme.SNS: "Signature of Amazon SNS",
    Scheme.SECRET_PATH: "Secret part of the address",
}
# What is set for a proof beside its secret, by example.
SCHEME_EXAMPLES: Mapping[Scheme, str] = {
    Scheme.TOKEN_HEADER: "header: x-assay-token",
    Scheme.BASIC: "username: assay",
    Scheme.GRAFANA: "timestamp_header: x-grafana-timestamp",
    Scheme.OIDC: (
        "issuer: https://token.example\naudience: https://assay.example\nclaims:\n  email: [sender@project.example]"
    ),
    Scheme.SNS: "topics: ['arn:aws:sns:eu-central-1:123456789012:models']",
}
AUTH_PARTS = ("username", "header", "region", "service")
AUTH_WORDS: Mapping[str, str] = {
    "none": "No authentication",
    "bearer": "Bearer token",
    "token": "Token (Authorization: token …)",
    "basic": "User name and password",
    "header": "Header of its own",
    "signed": "Signature of Standard Webhooks",
    "aws": "AWS Signature Version 4",
    "path": "Secret part of the address",
}


class DocumentField(forms.CharField):
    """A mapping, written as YAML; empty for none."""

    widget = forms.Textarea

    def __init__(self, **more: Any) -> None:
        super().__init__(required=False, max_length=MAX_DOCUMENT_CHARS, strip=False, **more)

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value).replace("\r\n", "\n")
        if not text.strip():
            return {}
        try:
            document = yamldocuments.read(text).content
        except BadDocument as error:
            raise forms.ValidationError([f"Line {one.line}: {one.message}" for one in error.errors]) from None
        if not isinstance(document, dict):
            raise forms.ValidationError("Names with their values, such as registry: mlflow://ml.example")
        return document


class SettingsForm(forms.Form):
    """What can be set for a connection at any time."""

    title = forms.CharField(max_length=200, error_messages={"required": "Give it a name for people."})
    scheme = forms.ChoiceField(required=False)
    secret = forms.CharField(required=False, max_length=5_000, strip=False)
    networks = forms.CharField(required=False, max_length=10_000)
    address = forms.CharField(required=False, max_length=2_000)
    auth_kind = forms.ChoiceField(choices=list(AUTH_WORDS.items()), required=False)
    auth_username = forms.CharField(required=False, max_length=200)
    auth_header = forms.CharField(required=False, max_length=100)
    auth_region = forms.CharField(required=False, max_length=100)
    auth_service = forms.CharField(required=False, max_length=100)
    auth_headers = DocumentField()
    outgoing_secret = forms.CharField(required=False, max_length=5_000, strip=False)
    poll_interval_s = forms.IntegerField(required=False)
    window_s = forms.IntegerField(required=False)
    options = DocumentField()
    scheme_options = DocumentField()

    def __init__(self, *args: Any, system: System, **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [(one.value, SCHEME_WORDS[one]) for one in system.schemes]
        self.fields["scheme"].choices = [("", "Takes no deliveries"), *choices]  # type: ignore[attr-defined]
        if choices and not self.is_bound:
            self.initial.setdefault("scheme", choices[0][0])

    def settings(self) -> Settings:
        """As they were entered, once the form is valid."""
        said = self.cleaned_data
        auth = {"kind": said["auth_kind"] or "none"}
        auth |= {name: said[f"auth_{name}"] for name in (*AUTH_PARTS, "headers") if said[f"auth_{name}"]}
        return Settings(
            title=said["title"],
            options=said["options"],
            scheme=said["scheme"],
            scheme_options=said["scheme_options"],
            window_s=said["window_s"],
            networks=[line.strip() for line in said["networks"].replace(",", "\n").splitlines() if line.strip()],
            address=said["address"].strip(),
            auth=auth if auth != {"kind": "none"} else {},
            poll_interval_s=said["poll_interval_s"],
        )

    def refuse(self, error: Invalid) -> None:
        """Put what was refused beside its field."""
        for name, says in error.fields.items():
            top, _, rest = name.partition(".")
            own = {"auth": f"auth_{rest}" if f"auth_{rest}" in self.fields else "auth_kind"}.get(top, top)
            words = f"{rest}: {says}" if rest and own == top else says
            self.add_error(own if own in self.fields else None, words)
        if not error.fields:
            self.add_error(None, error.message)


def proofs(system: System) -> list[tuple[str, str]]:
    """The proofs of a system for which something is set beside the secret, each with an example."""
    return [(SCHEME_WORDS[one], SCHEME_EXAMPLES[one]) for one in system.schemes if one in SCHEME_EXAMPLES]


class ConnectionForm(SettingsForm):
    """A new connection."""

    slug = forms.CharField(max_length=50, error_messages={"required": "It becomes part of the address."})
    namespace = forms.CharField(max_length=500, error_messages={"required": "It names the instance in the graph."})
    team = forms.ModelChoiceField(queryset=Team.objects.none(), to_field_name="slug")

    def __init__(self, *args: Any, teams: Sequence[Team], **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["team"]
        field.queryset = Team.objects.filter(pk__in=[team.pk for team in teams])  # type: ignore[attr-defined]


def initial(connection: Connection) -> dict[str, Any]:
    """What the form of a connection begins with."""
    settings = connections.settings_of(connection)
    return {
        "title": settings.title,
        "scheme": settings.scheme,
        "networks": "\n".join(settings.networks),
        "address": settings.address,
        "auth_kind": settings.auth.get("kind", "none"),
        **{f"auth_{name}": settings.auth.get(name, "") for name in AUTH_PARTS},
        "auth_headers": written(settings.auth.get("headers", {})),
        "poll_interval_s": settings.poll_interval_s,
        "window_s": settings.window_s,
        "options": written(settings.options),
        "scheme_options": written(settings.scheme_options),
    }


def written(document: Mapping[str, Any]) -> str:
    """A mapping as YAML for people to change; empty for none."""
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)) if document else ""


def defaults(form: type[msgspec.Struct]) -> str:
    """What can be set, with what holds unless it is, as YAML in comments."""
    plain = msgspec.to_builtins(form())
    return "".join(f"# {line}\n" for line in written(plain).splitlines())


class OutletForm(forms.Form):
    """What is carried out through a connection."""

    kinds = forms.MultipleChoiceField(required=False)
    setting = DocumentField()
    is_active = forms.BooleanField(required=False)

    def __init__(self, *args: Any, carrier: Carrier, **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [(kind.value, KIND_WORDS[kind]) for kind in Kind if kind in carrier.kinds]
        self.fields["kinds"].choices = choices  # type: ignore[attr-defined]


KIND_WORDS: Mapping[Kind, str] = {
    Kind.VERDICT: "Verdicts",
    Kind.INCIDENT: "Incidents",
    Kind.RETRAIN: "Retraining after a critical alert",
    Kind.REMINDER: "Reminders of initiatives, answers and silent sources",
}


class ReplayForm(forms.Form):
    """Since when deliveries are to be translated once more."""

    since = forms.DateTimeField(error_messages={"required": "Say since when."})


def outlet_initial(outlet: Outlet | None) -> dict[str, Any]:
    """What the form of an outlet begins with."""
    if outlet is None:
        return {"is_active": True}
    return {"kinds": outlet.kinds, "setting": written(outlet.setting), "is_active": outlet.is_active}


class MappingForm(forms.Form):
    """A mapping and a sample to try it on."""

    mapping = DocumentField()
    sample = forms.CharField(
        max_length=MAX_SAMPLE_CHARS, strip=False, error_messages={"required": "Paste a document that the system sends."}
    )

    def clean_sample(self) -> Any:
        try:
            return json.loads(self.cleaned_data["sample"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Not JSON: {error}") from None
