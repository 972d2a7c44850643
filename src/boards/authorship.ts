import type { Actor } from '../access/actor.js';

/** Narrows a change to what the actor may change: what is theirs, or for an admin, anything. */
export function changeableBy(actor: Actor): { authorId?: string } {
  return actor.roles.includes('admin') ? {} : { authorId: actor.accountId };
}

/** Whether the actor may change something. */
export function mayChange(actor: Actor, { authorId }: { readonly authorId: string }): boolean {
  return (changeableBy(actor).authorId ?? authorId) === authorId;
}
