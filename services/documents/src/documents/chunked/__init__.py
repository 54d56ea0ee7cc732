"""Files that come in numbered chunks, in any order."""
