"""Maturity over HTTP."""
