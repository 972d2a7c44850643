export function onPath(...names: string[]): string | undefined;
export function findPostgres(): string | undefined;
