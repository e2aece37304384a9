"""Fairness of a model's predictions between groups of people, from counts instead of rows. Pure."""
