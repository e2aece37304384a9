"""A made-up organisation: teams of different maturity, and the events of eighteen months that show it."""
