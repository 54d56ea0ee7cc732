"""Tools: what workers are asked while a client waits; nothing of it is kept."""
