"""Settings searched on history: the cheapest that met an objective on days nobody had seen yet."""
