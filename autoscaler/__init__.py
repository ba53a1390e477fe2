"""An autoscaling policy daemon for Palantir Foundry live model deployments."""

__version__ = "0.1.0"
