"""The graph page: what is asked by its address, and what is drawn or listed."""
