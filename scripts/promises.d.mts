export function promises(): string;
