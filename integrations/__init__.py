"""Outside systems in and out."""
