"""Tables of a page: from the lines that it draws, or from words that stand in columns."""
