"""What drives satisfaction: regressions, shares of importance, contrasts, the response surface, IPA, Kano."""
