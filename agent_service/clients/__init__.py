"""The persons and organisations we serve: who they are, what they are known by, what happened with them."""
