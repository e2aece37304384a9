"""Secrets never reach the log, and what only sounds like one is left alone."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineage import events, masking
from lineage.masking import MASK

ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + "a1B2" * 9
OURS = "assay_pat_" + "a1B2c3" * 7
WEB_TOKEN = ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0In0", "c2lnbmF0dXJl"])
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----"


def masked(value: Any) -> Any:
    """What the value becomes inside an event, once its bytes have been looked at as the receiver does."""
    document = {"facets": {"custom": value}}
    raw = json.dumps(document).encode()
    result, was_masked = masking.mask(document)
    assert was_masked == (result != document)
    assert masking.may_hold_secrets(raw) or not was_masked, "The quick look missed what the walk masks."
    return result["facets"]["custom"]


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "Password",
        "database.password",
        "spark.datasource.jdbc.password",
        "javax.net.ssl.keyStorePassword",
        "mypassword1",
        "passwd",
        "pwd",
        "DB_PASS",
        "userpass",
        "ssl.key.passphrase",
        "secret",
        "client_secret",
        "clientSecret",
        "AWS_SECRET_ACCESS_KEY",
        "aws_access_key_id",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.azure.account.key.acme.blob.core.windows.net",
        "fs.azure.account.oauth2.client.secret.acme.dfs.core.windows.net",
        "fs.azure.sas.container.acme.blob.core.windows.net",
        "vault_secret_id",
        "token",
        "access_token",
        "accessToken",
        "GITHUB_TOKEN",
        "hftoken",
        "refresh-token",
        "X-Api-Key",
        "apiKey",
        "APIKEY",
        "api key",
        "privateKey",
        "private_key",
        "credential",
        "gcp_credentials",
        "Authorization",
        "Cookie",
        "connectionString",
        "sqlalchemy_conn_str",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW_CONN_WAREHOUSE",
        "SharedAccessSignature",
        "sasl.jaas.config",
        "basic.auth.user.info",
    ],
)
def test_a_member_whose_key_names_a_secret_is_masked(key: str) -> None:
    assert masked({key: "hunter2", "beside": "x"}) == {key: MASK, "beside": "x"}


@pytest.mark.parametrize(
    "key",
    [
        "tokenizer",
        "tokenizer_name",
        "max_tokens",
        "maxTokens",
        "num_tokens",
        "prompt_tokens",
        "total_tokens",
        "pad_token",
        "eosToken",
        "mask_token",
        "token_count",
        "token_type",
        "token_ids",
        "subtoken",
        "secretary",
        "secretariat",
        "passenger_count",
        "passed",
        "pass_rate",
        "first_pass",
        "bypass",
        "compass",
        "passwordless",
        "password_policy",
        "password_file",
        "token_url",
        "keyspace",
        "primary_key",
        "foreign_key",
        "partition_key",
        "idempotency_key",
        "key",
        "monkey",
        "author",
        "authority",
        "authentication",
        "connector.class",
        "connection_id",
        "credit_score",
        "sasquatch",
        "signature",
        "design",
    ],
)
def test_a_key_that_only_sounds_like_a_secret_is_left_alone(key: str) -> None:
    assert masked({key: "hunter2"}) == {key: "hunter2"}


def test_numbers_lists_and_objects_under_a_secret_key_are_masked() -> None:
    given_value = {"password": 4711, "api_keys": ["one", "two"], "credentials": {"user": "u", "inner": {"x": 1.5}}}

    assert masked(given_value) == {
        "password": MASK,
        "api_keys": [MASK, MASK],
        "credentials": {"user": MASK, "inner": {"x": MASK}},
    }


def test_flags_and_nothing_under_a_secret_key_are_kept() -> None:
    value = {"password": None, "secret": True, "token": "", "use_password": "true", "_deleted": True}

    assert masked(value) == value


def test_the_provenance_of_a_facet_with_a_secret_name_is_kept() -> None:
    facet = {"_producer": "https://acme.example/p", "_schemaURL": "urn:x", "login": "admin"}

    assert masked({"credentials": facet}) == {"credentials": facet | {"login": MASK}}


def test_a_column_with_a_secret_name_keeps_its_lineage() -> None:
    lineage = {
        "columnLineage": {
            "fields": {"password": {"inputFields": [{"namespace": "n", "name": "users", "field": "password"}]}}
        },
        "dataQualityMetrics": {"columnMetrics": {"token": {"nullCount": 4}}},
        "schema": {"fields": [{"name": "password", "type": "VARCHAR"}]},
    }

    assert masked(lineage) == lineage


def test_a_setting_among_fields_is_still_masked() -> None:
    assert masked({"fields": {"password": "hunter2"}}) == {"fields": {"password": MASK}}


def test_environment_variables_are_masked_by_their_name() -> None:
    variables = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "HOME", "value": "/home/etl"},
        {"name": "PWD", "value": "/opt/airflow"},
        {"key": "api_token", "value": "abc"},
    ]

    assert masked({"environmentVariables": variables}) == {
        "environmentVariables": [
            {"name": "DB_PASSWORD", "value": MASK},
            {"name": "HOME", "value": "/home/etl"},
            {"name": "PWD", "value": "/opt/airflow"},
            {"key": "api_token", "value": MASK},
        ]
    }


def test_the_shells_working_directory_is_no_password() -> None:
    assert masked({"PWD": "/opt/airflow", "pwd": "hunter2"}) == {"PWD": "/opt/airflow", "pwd": MASK}


def test_a_metric_is_a_number_and_stays_one() -> None:
    metrics = [{"name": "auc", "value": 0.91}, {"name": "tokens_per_second", "value": 12.5}]

    assert masked({"metrics": metrics}) == {"metrics": metrics}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://etl:hunter2@db:5432/food", "postgres://etl:***@db:5432/food"),
        ("postgresql+psycopg://u:p%40ss@db/x", "postgresql+psycopg://u:***@db/x"),
        ("mongodb://u:p@ss@h1:27017,h2:27017/x", "mongodb://u:***@h1:27017,h2:27017/x"),
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ("see https://bot:tok@git.example/a and https://x:y@b.example", "see https://bot:***@git.example/a and https://x:***@b.example"),
        ("jdbc:oracle:thin:scott/tiger@//db:1521/x", "jdbc:oracle:thin:scott/***@//db:1521/x"),
        ("jdbc:sqlserver://db:1433;user=sa;password=hunter2;encrypt=true", "jdbc:sqlserver://db:1433;user=sa;password=***;encrypt=true"),
        ("jdbc:mysql://db/x?user=root&password=hunter2&useSSL=true", "jdbc:mysql://db/x?user=root&password=***&useSSL=true"),
        ("Server=db;Uid=sa;Pwd=hunter2;", "Server=db;Uid=sa;Pwd=***;"),
        ("AccountName=acme;AccountKey=abc+/d==;EndpointSuffix=x", "AccountName=acme;AccountKey=***;EndpointSuffix=x"),
        ("https://acme.blob.example/c/f?sv=2022&sig=aB%2Fc%3D&se=2026", "https://acme.blob.example/c/f?sv=2022&sig=***&se=2026"),
        ("https://x.example/d?access_key=abc&y=1", "https://x.example/d?access_key=***&y=1"),
        ("https://s3.example/k?X-Amz-Signature=0a1b&X-Amz-Date=2", "https://s3.example/k?X-Amz-Signature=***&X-Amz-Date=2"),
        ("spark.hadoop.fs.s3a.secret.key=abc", "spark.hadoop.fs.s3a.secret.key=***"),
        ("PlainLoginModule required username=\"u\" password=\"p;w\";", "PlainLoginModule required username=\"u\" password=\"***\";"),  # noqa: E501
        ("password = 'hunter2'", "password = '***'"),
        ("run --password hunter2 --user etl", "run --password *** --user etl"),
        ("run --api-key=abc --out x", "run --api-key=*** --out x"),
        ('{"conn_type": "postgres", "password": "hun\\"ter2", "port": 1}', '{"conn_type": "postgres", "password": "***", "port": 1}'),  # noqa: E501
        ("{'api_key': 'abc', 'n': 1}", "{'api_key': '***', 'n': 1}"),
        ('{"pin": {"secret": 4711}}', '{"pin": {"secret": "***"}}'),
        ('"{\\"password\\": \\"hunter2\\", \\"n\\": 1}"', '"{\\"password\\": \\"***\\", \\"n\\": 1}"'),
        ("Authorization: Bearer abcdef0123456789xyz", "Authorization: ***"),
        ("curl -H 'X-API-Key: abc123' https://x.example", "curl -H 'X-API-Key: ***' https://x.example"),
        ("bearer abcdef0123456789xyz", "bearer ***"),
        ("CREATE USER etl WITH PASSWORD 'hunter2' NOLOGIN", "CREATE USER etl WITH PASSWORD '***' NOLOGIN"),
        ("create user etl identified by 'hun''ter2'", "create user etl identified by '***'"),
        ("ALTER USER etl IDENTIFIED BY hunter2;", "ALTER USER etl IDENTIFIED BY ***;"),
        ("COPY t FROM 's3://b' CREDENTIALS 'aws_access_key_id=x'", "COPY t FROM 's3://b' CREDENTIALS '***'"),
        ("COPY t FROM 's3://b' ACCESS_KEY_ID 'x' SECRET_ACCESS_KEY 'y'", "COPY t FROM 's3://b' ACCESS_KEY_ID '***' SECRET_ACCESS_KEY '***'"),  # noqa: E501
        (f"key {ACCESS_KEY} used", "key *** used"),
        (f"git clone https://{GITHUB}@git.example/r", "git clone https://***@git.example/r"),
        (f"uses {OURS}", "uses ***"),
        (f"jwt {WEB_TOKEN}", "jwt ***"),
        (f"pem {PRIVATE_KEY} end", "pem *** end"),
    ],
)  # fmt: skip
def test_a_secret_inside_text_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "abfss://container@acme.dfs.core.windows.net/path",
        "s3://bucket/a:b@c",
        "kafka://h1:9092,h2:9092",
        "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "mail team@acme.example: hello",
        "SELECT a.token FROM a JOIN b ON a.token = b.token WHERE b.password = :password",
        "SELECT password, token FROM users WHERE id=5",
        "SELECT x FROM t JOIN u ON t.token=u.token",
        "tokenizer=bert-base max_tokens=512 key=5",
        "sk-learn-pipeline-for-credit-risk-models-v2",
        "The password is checked by the gateway.",
        "model signature=(x: double)",
        "basic statistics of the table",
    ],
)
def test_text_without_a_secret_is_left_alone(text: str) -> None:
    assert masked(text) == text


def test_a_namespace_with_a_password_in_it_is_masked_and_so_is_a_key() -> None:
    uri = "postgres://etl:hunter2@db:5432"

    assert masked({"namespace": uri, "by_source": {uri: 1}}) == {
        "namespace": "postgres://etl:***@db:5432",
        "by_source": {"postgres://etl:***@db:5432": 1},
    }


def test_two_keys_that_become_one_by_masking_both_stay() -> None:
    value = {"postgres://u:one@db:5432": 1, "postgres://u:two@db:5432": 2}

    assert sorted(masked(value).values()) == [1, 2]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"x": {"pass\\u0077ord": "hunter2"}}',
        b'{"x": {"\\u0070\\u0061\\u0073\\u0073\\u0077\\u0064": "hunter2"}}',
        b'{"x": {"\\u0054OKEN": "hunter2"}}',
        b'{"x": "postgres://etl:hunter2\\u0040db"}',
        b'{"x": "postgres:\\/\\/etl:hunter2@db"}',
        b'{"x": "p\\u0077d=hunter2"}',
    ],
)
def test_escapes_do_not_hide_a_secret(raw: bytes) -> None:
    assert masking.may_hold_secrets(raw)

    document, was_masked = masking.mask(events.decode(raw))

    assert was_masked
    assert "hunter2" not in json.dumps(document)


def test_the_quick_look_finds_hints_in_bodies_of_any_size() -> None:
    filler = b'"' + b"x" * 70_000 + b'"'

    assert masking.may_hold_secrets(b'{"a": ' + filler + b', "password": "hunter2"}')
    assert not masking.may_hold_secrets(b'{"a": ' + filler + b', "key": "tag"}')


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["password", "token", "fields", "name", "value", "x"]) | st.text(max_size=10),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "password",
            "=",
            ":",
            " ",
            '"',
            "'",
            "\\",
            "@",
            "://",
            "u",
            "***",
            ";",
            "&",
            "?sig=",
            "--token ",
            "IDENTIFIED BY ",
            "\n",
            "{",
            "}",
            "é",
        ]
    ),
    max_size=14,
).map("".join)


@given(value=JSON_VALUES)
def test_masking_twice_changes_nothing_more(value: Any) -> None:
    once, _ = masking.mask({"x": value})
    twice, was_masked = masking.mask(once)

    assert twice == once
    assert not was_masked


@example(text="--token = ?sig=password")
@given(text=FRAGMENTS)
def test_masked_text_holds_nothing_more_to_mask(text: str) -> None:
    once = masking.mask_text(text)

    assert masking.mask_text(once) == once


@given(value=JSON_VALUES, text=FRAGMENTS)
def test_the_quick_look_never_misses_what_the_walk_masks(value: Any, text: str) -> None:
    document = {"x": value, "y": text}
    raw = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")

    if not masking.may_hold_secrets(raw):
        assert masking.mask(document) == (document, False)


@pytest.mark.parametrize(
    "text",
    [
        "://" * 50_000,
        "a=" * 50_000,
        "password" * 20_000,
        '"' * 100_000,
        "\\" * 100_000 + '"a": "',
        "--a " * 30_000,
        "thin:" * 30_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 5_000,
        "bearer " * 20_000,
        " " * 100_000 + "password=",
        "identified  by " * 10_000,
        "'a' : " * 20_000 + "key",
    ],
)
def test_masking_takes_time_in_proportion_to_the_text(text: str) -> None:
    masking.mask_text(text)  # Quadratic matching would take minutes here.
