"""The keys that tokens are signed with: encrypted at rest, published by half, and rotated."""
