"""What must hold: policies, checks, promotions, verdicts."""
