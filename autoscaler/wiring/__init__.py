"""The composition root: settings in, a running daemon out. It alone knows every room.

Nothing is imported here: a command takes the module it needs, and starts without the others.
"""
