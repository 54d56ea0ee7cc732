"""Roles: sets of permissions with a name, and who holds them."""
