"""The technical frame of every service; it knows no business noun."""
