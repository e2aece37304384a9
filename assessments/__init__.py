"""Maturity and audit reports."""
