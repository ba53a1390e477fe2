"""The daemon's HTTP face: metrics, probes, a read-only API and one page that shows it all."""
