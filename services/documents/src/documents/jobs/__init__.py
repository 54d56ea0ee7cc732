"""Jobs: the reading of documents, page by page."""
