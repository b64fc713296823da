"""Networks that `network.target` of params.yaml can name; put your own beside them."""
