"""The loop: observe, decide, write, record, tell; and the life cycle around it."""
