"""Search: full text over documents and their pages."""
