"""Reports: tables that the worker makes, and that are fetched when they are done."""
