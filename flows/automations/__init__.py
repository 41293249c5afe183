"""What Prefect's server does by itself about our runs: `catalog` says it, `upkeep` creates it there and keeps it so."""
