"""What a fleet's own past says about its envelopes: read-only, and silent without enough data."""
