"""Of Unity Catalog and SQL warehouses what Delta Sync indexes are fed by: tables, volumes, statements."""
