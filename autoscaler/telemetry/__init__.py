"""What the daemon tells of itself: metrics and logs, both made from the same decisions."""
