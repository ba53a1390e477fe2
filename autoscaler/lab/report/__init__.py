"""Comparisons of policy sets: run, told as JSON and tables, and as one HTML file."""
