export type Query = <Row>(sql: string, values: readonly string[]) => Promise<Row[]>;
export function schemaDdl(query: Query): Promise<string>;
