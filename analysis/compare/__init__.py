"""Groups and branches beside one another: differences, shrunken means, funnel, ranks with their intervals."""
