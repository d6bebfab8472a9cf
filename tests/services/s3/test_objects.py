"""Objects: putting, reading, deleting, conditions, ranges, checksums."""
