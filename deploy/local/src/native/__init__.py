"""The native stack: the whole suite on real servers, as ordinary processes, without Docker."""
