"""What happened is told: inside to consumers, outside through webhooks."""
