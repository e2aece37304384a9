"""A place in a store has one name, however its address is written."""

import pytest

from integrations.systems import locations


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("s3://bank/models/loans/7", "s3://bank", "models/loans/7"),
        ("s3a://bank/models/loans/7/", "s3://bank", "models/loans/7"),
        ("gs://kfserving-examples/models/flowers-2", "gs://kfserving-examples", "models/flowers-2"),
        ("s3://bank", "s3://bank", "/"),
        ("abfs://data@bank.dfs.core.windows.net/a/b", "abfss://data@bank.dfs.core.windows.net", "a/b"),
        ("https://user:secret@files.example:8443/a%20b?sig=secret#x", "https://files.example:8443", "a b"),
        ("pvc://models/loans", "pvc://models", "loans"),
        ("file:///srv/models/loans", "file", "/srv/models/loans"),
        ("/srv/models/loans/", "file", "/srv/models/loans"),
    ],
)
def test_a_place_is_called_as_openlineage_calls_it(uri: str, namespace: str, name: str) -> None:
    found = locations.dataset(uri)

    assert found is not None
    assert (found.namespace, found.name) == (namespace, name)


@pytest.mark.parametrize(
    "uri", ["", "models/loans", "S3Uri", "://x", "s3://", "1a://b/c", "https://[::1/x", "abfs://a:b@c/d", "//host/x"]
)
def test_what_is_no_place_has_no_name(uri: str) -> None:
    assert locations.dataset(uri) is None
