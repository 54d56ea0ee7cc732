"""Tells users what happened, live."""
