"""Posters and table cards with the way into a survey, as PDF."""
