"""What CloudTrail is, as pure functions: the record's format, selectors, names, digests."""
