"""Networks that `network.target` in params.yaml can name; put your own here."""
