"""Accounts as such, and what administrators do with them."""
