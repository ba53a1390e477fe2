"""What would have happened with other policies: one deployment's last days, replayed."""
