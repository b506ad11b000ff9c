"""Internal consistency beyond alpha: its other intervals, the lambdas, omega, split halves, differences, retest."""
