import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A search of at most 12 words and 40 pairs of characters: the first that are written, counted after normalisation. */
export class BoundedSearch1764620000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // One character may become 18 by NFKC, so it is cut before and after.
    await db.query(`
      CREATE OR REPLACE FUNCTION board.searched(board_id uuid, written text) RETURNS text
      LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        WITH pieces AS MATERIALIZED (
          SELECT piece, unspaced, row_number() OVER () AS nth
          FROM board.pieces(left(normalize(left(written, 400), NFKC), 400))
        ), terms AS (
          SELECT format('''|%s'':*', left(piece, 40)) AS term, 12 AS most, nth, 0 AS at
          FROM pieces WHERE NOT unspaced OR length(piece) = 1
          UNION ALL
          SELECT format('''|%s''', substr(piece, n, 2)), 40, nth, n
          FROM pieces, generate_series(1, length(piece) - 1) AS n WHERE unspaced
        ), ranked AS (
          SELECT term, most, row_number() OVER (PARTITION BY most ORDER BY min(ARRAY[nth, at])) AS rank
          FROM terms GROUP BY term, most
        )
        SELECT string_agg(term, ' & ') || format(' & ''|#%s''', board_id) FROM ranked WHERE rank <= most
      $$`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION board.searched(board_id uuid, written text) RETURNS text
      LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT string_agg(DISTINCT term, ' & ') || format(' & ''|#%s''', board_id) FROM (
          SELECT format('''|%s'':*', left(piece, 40)) AS term
          FROM board.pieces(written) WHERE NOT unspaced OR length(piece) = 1
          UNION ALL
          SELECT format('''|%s''', substr(piece, n, 2))
          FROM board.pieces(written), generate_series(1, length(piece) - 1) AS n WHERE unspaced
        ) AS terms
      $$`);
  }
}
