"""The policies app over HTTP, a module for each noun."""
