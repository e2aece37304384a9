"""Every scheme believes who knows the secret or the key, and nobody else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.errors import Invalid
from integrations import schemes, signers
from integrations.proofs import NO_OPTIONS, Delivery, Reason, SchemeOptions, Untrusted
from integrations.systems import ci
from integrations.systems.base import Scheme
from tests.integrations import signing
from tests.integrations.signing import NOW, OTHER, SECRET, Signed

SCHEMES = list(Scheme)
WITH_SECRET = [scheme for scheme in Scheme if scheme not in schemes.WITHOUT_SECRET]
# Their proof covers the body; the others only say who speaks.
OF_BODY = [
    Scheme.GITHUB,
    Scheme.BITBUCKET,
    Scheme.CIRCLECI,
    Scheme.MLFLOW,
    Scheme.DATABRICKS,
    Scheme.STANDARD_WEBHOOKS,
    Scheme.GRAFANA,
]


def verify(
    scheme: Scheme,
    delivery: Delivery,
    *,
    secrets: Sequence[str] = (SECRET,),
    window: timedelta | None = schemes.WINDOW,
    options: SchemeOptions | None = None,
) -> None:
    options = options or signing.OPTIONS.get(scheme, NO_OPTIONS)
    schemes.verify(scheme, secrets=secrets, delivery=delivery, window=window, options=options)


def refusal(scheme: Scheme, delivery: Delivery, **changes: object) -> Untrusted:
    with pytest.raises(Untrusted) as caught:
        verify(scheme, delivery, **changes)  # type: ignore[arg-type]
    assert SECRET not in caught.value.message
    return caught.value


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_right_proof_is_believed(scheme: Scheme) -> None:
    verify(scheme, signing.sign(scheme).delivery())


@pytest.mark.parametrize("scheme", WITH_SECRET)
def test_a_proof_with_another_secret_is_not(scheme: Scheme) -> None:
    found = refusal(scheme, signing.sign(scheme, secret=OTHER).delivery())

    assert (found.status, found.code, found.reason) == (401, "signature_wrong", Reason.WRONG)


@pytest.mark.parametrize("scheme", WITH_SECRET)
def test_while_a_secret_is_replaced_both_are_good(scheme: Scheme) -> None:
    for order in ((SECRET, OTHER), (OTHER, SECRET)):
        verify(scheme, signing.sign(scheme).delivery(), secrets=order)


@pytest.mark.parametrize("scheme", WITH_SECRET)
def test_without_a_secret_nothing_is_believed(scheme: Scheme) -> None:
    for none in ((), ("",)):
        assert refusal(scheme, signing.sign(scheme, secret=SECRET).delivery(), secrets=none).reason is Reason.UNSET


@pytest.mark.parametrize("scheme", OF_BODY)
@pytest.mark.parametrize("body", [b"", signing.BODY[:-1], signing.BODY + b"\n", b'{"a":1}'])
def test_a_signature_of_other_bytes_is_not_believed(scheme: Scheme, body: bytes) -> None:
    assert refusal(scheme, signing.sign(scheme).delivery(body=body)).reason is Reason.WRONG


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {Scheme.SECRET_PATH, Scheme.SNS}))
def test_every_header_of_a_proof_must_be_there(scheme: Scheme) -> None:
    headers = signing.sign(scheme).headers
    for name in headers:
        rest = {key: value for key, value in headers.items() if key != name}
        found = refusal(scheme, signing.sign(scheme).delivery(headers=rest))
        assert (found.reason, found.place) == (Reason.MISSING, name)


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {Scheme.SECRET_PATH, Scheme.SNS}))
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_truncated_proof_is_not_believed(scheme: Scheme, keep: float) -> None:
    signed = signing.sign(scheme)
    # What a newer version of CircleCI's header holds is not ours to read.
    whole = {name: value.partition(",v2")[0] for name, value in signed.headers.items()}
    for name, value in whole.items():
        refusal(scheme, signed.delivery(headers=whole | {name: value[: int(len(value) * keep)]}))


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {Scheme.SECRET_PATH, Scheme.SNS}))
@pytest.mark.parametrize("noise", ["\0", "ü" * 50, "\ud800", "=", ",", "v1,", "sha256=", "Bearer", "1" * 5_000])
def test_noise_is_refused_and_nothing_else(scheme: Scheme, noise: str) -> None:
    signed = signing.sign(scheme)
    for name in signed.headers:
        refusal(scheme, signed.delivery(headers=signed.headers | {name: noise}))


@pytest.mark.parametrize("scheme", sorted(schemes.SIGN_TIME - {Scheme.OIDC}))
@pytest.mark.parametrize("away", [timedelta(minutes=-6), timedelta(minutes=6), timedelta(days=-400)])
def test_an_old_or_future_time_is_refused_unless_the_window_allows_it(scheme: Scheme, away: timedelta) -> None:
    delivery = signing.sign(scheme, at=NOW + away).delivery()

    assert refusal(scheme, delivery).reason is Reason.OLD
    verify(scheme, delivery, window=timedelta(days=500))
    verify(scheme, delivery, window=None)


def test_a_time_cannot_be_changed_under_a_signature() -> None:
    for scheme, name in (
        (Scheme.MLFLOW, "x-mlflow-timestamp"),
        (Scheme.STANDARD_WEBHOOKS, "webhook-timestamp"),
        (Scheme.GRAFANA, "x-signed-at"),
    ):
        signed = signing.sign(scheme, at=NOW - timedelta(days=1))
        fresh = signed.headers | {name: str(int(NOW.timestamp()))}
        assert refusal(scheme, signed.delivery(headers=fresh)).reason is Reason.WRONG


def test_a_delivery_cannot_be_given_another_id() -> None:
    for scheme, name in ((Scheme.MLFLOW, "x-mlflow-delivery-id"), (Scheme.STANDARD_WEBHOOKS, "webhook-id")):
        signed = signing.sign(scheme)
        assert refusal(scheme, signed.delivery(headers=signed.headers | {name: "other"})).reason is Reason.WRONG


def test_of_circleci_only_the_newest_version_that_we_know_counts() -> None:
    right = signing.sign(Scheme.CIRCLECI).headers["circleci-signature"].partition(",")[0].removeprefix("v1=")
    for told in (f"v0={right}", f"v2={right}", f"v1={'0' * 64},v0={right}", f"v1={'0' * 64},v1={right}"):
        refusal(Scheme.CIRCLECI, Signed(headers={"circleci-signature": told}).delivery())


def test_grafana_signs_the_body_alone_when_no_header_for_the_time_is_chosen() -> None:
    options = SchemeOptions(signature_header="x-chosen")
    told = signing.sign(Scheme.DATABRICKS).headers["x-databricks-signature"]

    verify(Scheme.GRAFANA, Signed(headers={"x-chosen": told}).delivery(), options=options)
    verify(Scheme.GRAFANA, Signed(headers={"x-chosen": told.upper()}).delivery(), options=options)
    assert refusal(Scheme.GRAFANA, Signed(headers={"x-chosen": told}).delivery()).reason is Reason.MISSING


def test_basic_authentication_of_any_user_when_none_is_named() -> None:
    verify(Scheme.BASIC, signing.sign(Scheme.BASIC).delivery(), options=NO_OPTIONS)
    other = SchemeOptions(username="somebody")
    assert refusal(Scheme.BASIC, signing.sign(Scheme.BASIC).delivery(), options=other).reason is Reason.WRONG


def test_a_secret_beyond_ascii_is_compared_as_its_bytes() -> None:
    secret = "ein-längeres-geheimnis"
    as_servers_hand_it_on = secret.encode().decode("latin-1")

    verify(Scheme.TOKEN_HEADER, Signed(headers={"x-gitlab-token": as_servers_hand_it_on}).delivery(), secrets=[secret])


def bearer(token: str) -> Delivery:
    return signing.sign(Scheme.OIDC).delivery(headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": int(NOW.timestamp()) - 120}, "exp"),
        ({"nbf": int(NOW.timestamp()) + 120}, "nbf"),
        ({"iat": int(NOW.timestamp()) + 120}, "iat"),
        ({"email": "other@example.org"}, "email"),
        ({"email": None}, "email"),
        ({"email": ["sender@example.org"]}, "email"),
    ],
)
def test_a_token_of_another_issuer_audience_time_or_sender_is_refused(changes: dict[str, Any], place: str) -> None:
    assert refusal(Scheme.OIDC, bearer(signing.token(**changes))).place in {place, "authorization"}


def test_a_token_is_good_for_one_of_several_audiences_and_within_the_difference_of_clocks() -> None:
    verify(Scheme.OIDC, bearer(signing.token(aud=["https://x.example", signing.AUDIENCE])))
    verify(Scheme.OIDC, bearer(signing.token(exp=int(NOW.timestamp()) - 30)))


@pytest.mark.parametrize(
    ("issuer", "claim", "ours", "theirs"),
    [
        ("https://token.actions.githubusercontent.com", "repository", "acme/loans", "mallory/loans"),
        ("https://gitlab.example", "project_path", "acme/loans", "acme/loans-fork"),
        ("https://oidc.circleci.com/org/0c4ab8e2", "oidc.circleci.com/project-id", "3f0f", "3f0e"),
    ],
)
def test_a_job_of_ci_is_believed_by_the_claim_that_says_whose_it_is(
    issuer: str, claim: str, ours: str, theirs: str
) -> None:
    options = SchemeOptions(issuer=issuer, audience=signing.AUDIENCE, claims={claim: [ours]})
    told: dict[str, Any] = {claim: ours}
    other: dict[str, Any] = {claim: theirs}

    verify(Scheme.OIDC, bearer(signing.token(iss=issuer, **told)), options=options)
    assert refusal(Scheme.OIDC, bearer(signing.token(iss=issuer, **other)), options=options).place == claim
    assert refusal(Scheme.OIDC, bearer(signing.token(iss=issuer)), options=options).place == claim
    assert Scheme.OIDC in ci.SYSTEM.schemes


def test_a_token_signed_with_another_key_or_none_is_refused() -> None:
    public = signing.key_set()["keys"][0]["n"]
    for token in (
        signing.token(key=signing.private_key("another")),
        signing.token(key=public, algorithm="HS256"),
        signing.token(algorithm="none"),
        signing.token(algorithm="RS512"),
        signing.token().rpartition(".")[0] + ".",
    ):
        refusal(Scheme.OIDC, bearer(token))
    unknown = bearer(signing.token(kid="k-2"))
    assert refusal(Scheme.OIDC, unknown).reason is Reason.UNKNOWN_KEY
    verify(Scheme.OIDC, replace(unknown, keys=signing.key_set("k-2")))


def sns(body: bytes, certificate: bytes | None = None) -> Delivery:
    return Signed(body=body, certificate=signing.certificate() if certificate is None else certificate).delivery()


def test_both_versions_of_sns_and_all_of_its_types_are_believed() -> None:
    for version in ("1", "2"):
        verify(Scheme.SNS, sns(signing.notification(version=version, Subject="a subject")))
    confirmation = signing.notification(
        Type="SubscriptionConfirmation", Token="t", SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=Confirm"
    )
    verify(Scheme.SNS, sns(confirmation))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (signing.notification(key="another"), Reason.WRONG),
        (signing.notification().replace(b"two", b"three"), Reason.WRONG),
        (signing.notification().replace(b'"Notification"', b'"UnsubscribeConfirmation"'), Reason.MISSING),
        (signing.notification(TopicArn="arn:aws:sns:eu-west-1:999999999999:models"), Reason.WRONG),
        (signing.notification(SignatureVersion="3"), Reason.MALFORMED),
        (signing.notification()[:-3], Reason.MALFORMED),
        (b"[]", Reason.MALFORMED),
        (b"[" * 100_000, Reason.MALFORMED),
        (b'{"Type": "Notification"}', Reason.WRONG),
        (b"\xff", Reason.MALFORMED),
    ],
)
def test_a_message_that_no_allowed_topic_signed_is_refused(body: bytes, reason: Reason) -> None:
    assert refusal(Scheme.SNS, sns(body)).reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com.example/SimpleNotificationService-1.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem\n",
        "https://sns.eu-west-1.amazonaws.com/../x.pem",
        7,
    ],
)
def test_a_certificate_elsewhere_than_at_sns_is_never_asked_for(url: object) -> None:
    body = signing.notification(SigningCertURL=url)

    with pytest.raises(Untrusted):
        signers.certificate_url(body)
    assert refusal(Scheme.SNS, sns(body)).place == "SigningCertURL"


def test_a_certificate_of_somebody_else_or_of_another_time_is_refused() -> None:
    body = signing.notification()
    assert refusal(Scheme.SNS, sns(body, signing.certificate("example.org"))).reason is Reason.WRONG
    assert refusal(Scheme.SNS, sns(body, b"-----BEGIN")).reason is Reason.MALFORMED
    assert refusal(Scheme.SNS, sns(body, b"")).reason is Reason.UNKNOWN_KEY
    later = replace(sns(body), now=datetime(2030, 1, 1, tzinfo=UTC))
    assert refusal(Scheme.SNS, later, window=None).reason is Reason.OLD


@pytest.mark.parametrize("scheme", SCHEMES)
def test_settings_that_work_can_be_kept(scheme: Scheme) -> None:
    secrets = [] if scheme in schemes.WITHOUT_SECRET else [SECRET]

    schemes.check(scheme, secrets=secrets, options=signing.OPTIONS.get(scheme, NO_OPTIONS))


@pytest.mark.parametrize(
    ("scheme", "secrets", "options", "field"),
    [
        (Scheme.GITHUB, [], SchemeOptions(), "secrets"),
        (Scheme.GITHUB, ["short"], SchemeOptions(), "secrets"),
        (Scheme.STANDARD_WEBHOOKS, ["whsec_not base64 at all"], SchemeOptions(), "secrets"),
        (Scheme.STANDARD_WEBHOOKS, ["0123456789abcdef"], SchemeOptions(), "secrets"),
        (Scheme.TOKEN_HEADER, [SECRET], SchemeOptions(header="X-Upper"), "header"),
        (Scheme.GRAFANA, [SECRET], SchemeOptions(timestamp_header="a b"), "timestamp_header"),
        (Scheme.BASIC, [SECRET], SchemeOptions(username="a:b"), "username"),
        (Scheme.OIDC, [], SchemeOptions(audience="a", claims={"sub": ["x"]}), "issuer"),
        (Scheme.OIDC, [], SchemeOptions(issuer="http://i", audience="a", claims={"sub": ["x"]}), "issuer"),
        (Scheme.OIDC, [], SchemeOptions(issuer="https://i", claims={"sub": ["x"]}), "audience"),
        (Scheme.OIDC, [], SchemeOptions(issuer="https://i", audience="a"), "claims"),
        (Scheme.OIDC, [], SchemeOptions(issuer="https://i", audience="a", claims={"sub": []}), "claims"),
        (Scheme.SNS, [], SchemeOptions(), "topics"),
    ],
)
def test_settings_that_would_believe_anybody_or_nobody_are_refused(
    scheme: Scheme, secrets: list[str], options: SchemeOptions, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        schemes.check(scheme, secrets=secrets, options=options)

    assert field in caught.value.fields
