import pytest

from governance import audit
from governance.actions import Action
from governance.models import AuditEntry


def test_an_entry_outside_a_transaction_is_an_error(committed_db: object) -> None:
    with pytest.raises(RuntimeError, match="in the transaction of its change"):
        audit.record(actor=None, action=Action.TEAM_CREATED, subject="team:credit")

    assert not AuditEntry.objects.exists()
