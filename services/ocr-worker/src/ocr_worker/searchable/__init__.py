"""The searchable PDF: the untouched original with its words laid over it, unseen."""
