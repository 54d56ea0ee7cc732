"""The one URL of the suite: streams to the services behind it."""
