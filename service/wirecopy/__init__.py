"""wirecopy."""
