"""The PostgreSQL server that a run of the bench works on: the one named by DATABASE_URL, or the embedded one."""
