"""Where detection engineers work, a module a table."""

from monitors.admin import detections, monitor, profiles

__all__ = ["detections", "monitor", "profiles"]
