"""The integrations app over HTTP, a module for each noun."""
