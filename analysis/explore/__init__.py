"""Exploratory structure: how many factors the items have, and which items belong to which."""
