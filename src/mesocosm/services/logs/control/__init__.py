"""What logs do by themselves: metrics, deliveries to subscribers, retention, exports."""

from mesocosm.services.logs.control import auditing, delivering, exporting, metering, retention

__all__ = ["auditing", "delivering", "exporting", "metering", "retention"]
