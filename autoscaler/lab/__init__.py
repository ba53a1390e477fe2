"""Where behaviour is tried out: a simulated platform over real HTTP, load and backtests."""
