"""A directory of policies for the simulation alone."""
