"""Reads the pages of documents that nobody trusts: from their text layer, or by OCR."""
