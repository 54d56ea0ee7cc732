"""Pictures: pages as people see them, and the document as a PDF that can be searched."""
