/** Returns free ports on loopback, all different from each other and from earlier ones of this process. */
export function freePorts(count: number): Promise<number[]>;
