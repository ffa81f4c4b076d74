"""Campaigns too heavy for the tests: speed and quality, measured on finished videos."""
