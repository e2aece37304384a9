"""How the values of a column are distributed in two tables, and how far apart the two are."""
