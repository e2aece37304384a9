"""What is measured in the graph and in the history of the gate, for all teams at once."""
