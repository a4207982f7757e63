"""How conversations lie on disk: the database, its schema, its search index, and what is done when it is damaged."""
