"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Wall-clock deadlines fail on busy machines and find no bugs; speed belongs in benchmarks.
settings.register_profile(
    "calm", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("calm")
