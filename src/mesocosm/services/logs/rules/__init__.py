"""Pure rules of logs: filter patterns, names, data protection."""
