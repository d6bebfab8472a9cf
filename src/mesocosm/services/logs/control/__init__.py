"""What logs do by themselves: metrics, deliveries to subscribers, retention, exports."""

from mesocosm.services.logs.control import metering, retention, subscribers

__all__ = ["metering", "retention", "subscribers"]
