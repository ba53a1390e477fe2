"""The one way out to a metrics server: bounded, bound to one origin, never redirected."""
