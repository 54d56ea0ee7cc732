"""What a browser may do with what a user has brought here: show it, and nothing else."""

# It may be anything: it gets no script, no form, no neighbour.
HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
