/**
 * The `ETag` of a version of a post: what somebody wrote, apart from its counters and from how its author looks now.
 * Strong, since `If-Match` compares with no other (RFC 9110 §13.1.1).
 */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The versions that `If-Match` names; undefined when any will do. What is not an ETag of ours names none. */
export function versionsIn(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  return ifMatch.split(',').flatMap((tag) => {
    const version = /^"([1-9]\d{0,8})"$/.exec(tag.trim())?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}
