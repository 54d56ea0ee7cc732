"""Finding documents by what is known of them: lists, feeds, and the language of filters."""
