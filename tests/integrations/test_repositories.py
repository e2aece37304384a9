"""A repository has one address, however a system spells it."""

import pytest

from integrations import repositories


@pytest.mark.parametrize(
    ("told", "canonical"),
    [
        ("https://github.com/acme/loans", "https://github.com/acme/loans"),
        ("https://github.com/acme/loans.git", "https://github.com/acme/loans"),
        ("https://github.com/acme/loans/", "https://github.com/acme/loans"),
        ("https://user:pass@GitHub.com/acme/loans.git", "https://github.com/acme/loans"),
        ("http://git.example:3005/acme/loans", "https://git.example:3005/acme/loans"),
        ("git@github.com:acme/loans.git", "https://github.com/acme/loans"),
        ("ssh://git@git.example:2222/acme/loans.git", "https://git.example/acme/loans"),
        ("git://git.example/acme/loans.git", "https://git.example/acme/loans"),
        ("/srv/repositories/loans", "/srv/repositories/loans"),
        ("https://github.com", "https://github.com"),
        ("s3://bucket/loans", "s3://bucket/loans"),
        ("https://[bad/acme/loans", "https://[bad/acme/loans"),
        ("https://git.example:port/acme/loans", "https://git.example:port/acme/loans"),
        ("C:/code/loans", "C:/code/loans"),
        ("", ""),
    ],
)
def test_an_address_in_its_one_spelling(told: str, canonical: str) -> None:
    assert repositories.canonical(told) == canonical
    assert repositories.canonical(canonical) == canonical
