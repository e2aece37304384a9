"""How maturity is shown: words for ids, marks for states, numbers as small drawings. All of it from snapshots."""
