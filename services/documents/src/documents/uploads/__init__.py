"""Uploads: how files come in."""
