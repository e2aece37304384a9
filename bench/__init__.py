"""Measurements: what the service does on this machine, beside a floor or a peer measured in the same run."""
