"""What logs do by themselves: metrics, deliveries to subscribers, retention, exports."""

from mesocosm.services.logs.control import delivering, exporting, metering, retention

__all__ = ["delivering", "exporting", "metering", "retention"]
