"""Content: the bytes of the files themselves, whole or in part."""
