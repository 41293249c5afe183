"""Queries that people type: the syntaxes of `query_string` (`q=`) and `simple_query_string`, compiled into the query DSL."""
