"""PromQL: expressions checked offline, and the answers of the HTTP API."""
