"""Grafana dashboards as code; `python -m dashboards` writes them to `config/grafana`.

Not part of the wheel: it needs `grafana-foundation-sdk`, and users need only the JSON.
"""
