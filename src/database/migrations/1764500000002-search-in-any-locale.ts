import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Collations that know the case of letters beyond ASCII, whatever the locale of the database; the first that is there counts. */
const COLLATIONS = ['und-x-icu', 'pg_c_utf8', 'C.utf8', 'C.UTF-8', 'en_US.utf8'];

/** Search without regard to case, also in a database whose locale (`C`) has no letters but ASCII. */
export class SearchInAnyLocale1764500000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    const [collation] = (await db.query(
      `SELECT collname AS name, prosrc AS body
       FROM pg_catalog.pg_collation, pg_catalog.pg_proc
       WHERE lower('É') <> 'é' AND collname = ANY($1) AND collnamespace = 'pg_catalog'::regnamespace AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
         AND pg_proc.oid = 'board.pieces(text)'::regprocedure
       ORDER BY array_position($1, collname::text) LIMIT 1`,
      [COLLATIONS],
    )) as { name: string; body: string }[];
    if (collation === undefined) return;
    const { name, body } = collation;
    const lower = 'lower(normalize(written, NFKC))';
    await db.query(`
      CREATE OR REPLACE FUNCTION board.pieces(written text) RETURNS TABLE (piece text, unspaced boolean)
      LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$${body.replace(lower, `${lower.slice(0, -1)} COLLATE "${name}")`)}$$`);
    // Computes the generated columns again, which call the function.
    await db.query('UPDATE board.posts SET title = title');
  }

  async down(): Promise<void> {
    // The function suits every version.
  }
}
