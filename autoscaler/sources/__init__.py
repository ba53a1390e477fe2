"""Where signals come from: one module per kind of source, each with a `SOURCE` of its own."""
