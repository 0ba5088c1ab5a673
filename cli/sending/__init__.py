"""How a file of events comes to the gateway: lines -> steps -> door, with a bookmark to resume from."""
