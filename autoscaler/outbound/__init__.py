"""What every way out of the daemon has in common: which addresses nobody here connects to."""
