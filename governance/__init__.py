"""Who: teams, ownership, permissions, audit log, tokens."""
