import type { Actor } from '../access/actor.js';

/** Returns a condition for rows that the actor may change: the actor's own rows, or every row for an admin. */
export function changeableBy(actor: Actor): { authorId?: string } {
  return actor.roles.includes('admin') ? {} : { authorId: actor.accountId };
}

/** Returns true if the actor may change the row. */
export function mayChange(actor: Actor, { authorId }: { readonly authorId: string }): boolean {
  return (changeableBy(actor).authorId ?? authorId) === authorId;
}
