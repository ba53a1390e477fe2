"""Schema changes, oldest first; run by `autoscaler.journal.migrate`."""
