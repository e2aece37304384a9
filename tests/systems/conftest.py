"""What the tests of outside systems leave behind is gone before the next file of them begins."""

import pytest
from pytest_django import DjangoDbBlocker

from tests import conftest


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests whose systems send to us commit, and pytest-django does not empty what belongs to the owner's connection.

    Neither may that connection be used before the test is over, so it is the file's end that does it.
    """

    def emptied() -> None:
        with django_db_blocker.unblock():
            conftest.empty_tables()

    mark = request.node.get_closest_marker("django_db")
    if mark is not None and mark.kwargs.get("transaction"):
        request.node.getparent(pytest.Module).addfinalizer(emptied)
