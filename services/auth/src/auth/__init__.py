"""Who may come in: users, sessions, tokens."""
