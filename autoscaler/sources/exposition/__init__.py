"""The text that targets expose: its lines, and counters over a window."""
