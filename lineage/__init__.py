"""What happened: event log, graph, traversal."""
