"""Another try for what was set aside: which dead letters may go back, and how parked causes are released."""
