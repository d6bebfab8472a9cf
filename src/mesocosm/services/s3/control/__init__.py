"""What S3 does by itself: lifecycle, notifications, replication, access logs, inventories."""
