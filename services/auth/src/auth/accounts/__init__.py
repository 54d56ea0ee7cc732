"""What one does with one's own account."""
