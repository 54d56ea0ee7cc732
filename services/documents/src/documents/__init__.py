"""Documents, their files, and the jobs that read them."""
