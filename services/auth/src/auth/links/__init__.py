"""Links in mails: each works once, for a while, and is known here only by its digest."""
