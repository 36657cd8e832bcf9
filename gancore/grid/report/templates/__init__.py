"""The page of the report: its text, its looks, and what its table can do."""
