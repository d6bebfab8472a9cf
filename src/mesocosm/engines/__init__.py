"""Drivers of real programs and of what lies outside: no AWS API shapes here."""
