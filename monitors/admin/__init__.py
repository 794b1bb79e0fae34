"""Where detection engineers work, a module a table."""

from monitors.admin import detections, exclusions, lists, monitor, profiles

__all__ = ["detections", "exclusions", "lists", "monitor", "profiles"]
