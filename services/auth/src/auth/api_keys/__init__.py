"""API keys: how machines come in, with a part of their owner's permissions."""
