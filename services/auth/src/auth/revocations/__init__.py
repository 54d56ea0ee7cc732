"""Revocations: how tokens that are out already are refused everywhere."""
