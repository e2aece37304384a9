"""The questions a policy can ask. Pure: no database, no clock, no network."""
