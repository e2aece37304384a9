"""The signatures that senders publish or once sent are believed, and no longer when a byte is changed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations import schemes
from integrations.proofs import Delivery, SchemeOptions, Untrusted
from integrations.systems.base import Scheme
from tests.conformance.corpus import CORPUS, requires_corpus
from tests.integrations import signing

pytestmark = requires_corpus
PAYLOADS = CORPUS / "payloads"
FIVE_MINUTES = timedelta(minutes=5)


def vectors() -> Iterator[tuple[Scheme, str, str, dict[str, str]]]:
    """Scheme, secret, body and headers of every vector in the file."""
    found = json.loads((PAYLOADS / "signature_vectors.json").read_text(encoding="utf-8"))
    github, bitbucket = found["github_x_hub_signature_256"], found["bitbucket_x_hub_signature"]
    yield Scheme.GITHUB, github["secret"], github["body"], {"x-hub-signature-256": github["header"]}
    yield Scheme.BITBUCKET, bitbucket["secret"], bitbucket["body"], {"x-hub-signature": bitbucket["header"]}
    for one in found["circleci_signature"]:
        yield Scheme.CIRCLECI, one["secret"], one["body"], {"circleci-signature": one["header"]}
    standard = found["standard_webhooks_and_gitlab_signing_token"]
    headers = {name: value for name, value in standard.items() if name.startswith("webhook-")}
    yield Scheme.STANDARD_WEBHOOKS, standard["secret"], standard["body"], headers
    name = "X-Grafana-Alerting-Signature"
    plain, timed = found["grafana_hmac_plain"], found["grafana_hmac_with_timestamp_header"]
    yield Scheme.GRAFANA, plain["secret"], plain["body"], {name.lower(): plain[name]}
    stamped = {name.lower(): timed[name], "x-signed-at": timed["timestamp"]}
    yield Scheme.GRAFANA, timed["secret"], timed["body"], stamped


def recorded() -> list[Path]:
    return sorted((PAYLOADS / "mlflow").glob("webhook_*.json"))


def verify(scheme: Scheme, secret: str, body: bytes, headers: dict[str, str]) -> None:
    stamped = [name for name in headers if name.endswith(("timestamp", "signed-at"))]
    now = datetime.fromtimestamp(int(headers[stamped[0]]), tz=UTC) if stamped else signing.NOW
    options = SchemeOptions(timestamp_header="x-signed-at" if "x-signed-at" in headers else "")
    delivery = Delivery(headers=headers, body=body, now=now)
    schemes.verify(scheme, secrets=[secret], delivery=delivery, window=FIVE_MINUTES, options=options)


def test_all_published_signatures_are_believed() -> None:
    checked = 0
    for scheme, secret, body, headers in vectors():
        verify(scheme, secret, body.encode(), headers)
        with pytest.raises(Untrusted):
            verify(scheme, secret, body.encode() + b" ", headers)
        checked += 1

    assert checked == 8


def test_the_recorded_deliveries_of_mlflow_are_believed() -> None:
    files = recorded()
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        headers = {name.lower(): value for name, value in record["headers"]}
        verify(Scheme.MLFLOW, "s3cr3t-for-tests", record["raw"].encode(), headers)
        with pytest.raises(Untrusted):
            verify(Scheme.MLFLOW, "s3cr3t-for-tests", record["raw"].encode()[:-1], headers)

    assert len(files) == 9


@pytest.mark.parametrize(
    ("path", "claim"),
    [("github/oidc_token_claims.json", "repository"), ("gitlab/id_token_claims.json", "project_path")],
)
def test_tokens_with_the_claims_of_real_ci_jobs_are_believed_for_their_project_alone(path: str, claim: str) -> None:
    claims: dict[str, Any] = json.loads((PAYLOADS / path).read_text(encoding="utf-8"))
    at = datetime.fromtimestamp(claims["iat"], tz=UTC)
    token = signing.token(**claims)
    delivery = Delivery(headers={"authorization": f"Bearer {token}"}, body=b"", now=at, keys=signing.key_set())
    for values, is_believed in (([claims[claim]], True), (["somebody/else"], False)):
        options = SchemeOptions(issuer=claims["iss"], audience=claims["aud"], claims={claim: values})
        if is_believed:
            schemes.verify(Scheme.OIDC, secrets=[], delivery=delivery, window=None, options=options)
        else:
            with pytest.raises(Untrusted):
                schemes.verify(Scheme.OIDC, secrets=[], delivery=delivery, window=None, options=options)
