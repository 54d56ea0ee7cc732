"""Files that clients write straight to the object storage."""
