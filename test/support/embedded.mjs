// Suites of this Jest project use embedded databases, and not the PostgreSQL server of the run.
delete process.env.TEST_POSTGRES_URL;
