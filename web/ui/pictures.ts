/**
 * Sources of external pictures (`IMAGE_ORIGINS`), which the server writes into the page. The content security policy
 * allows the same ones. A picture of any other host would disclose the reader's IP address to it.
 */
const SOURCES = (document.querySelector<HTMLMetaElement>('meta[name=image-origins]')?.content ?? '')
  .split(' ')
  .filter(Boolean);

/** Hosts of these sources, for display. */
export const PICTURE_HOSTS = SOURCES.map((source) => source.replace(/^https:\/\//, ''));

/** Returns true if the sources allow the picture, by the rules of a content security policy (CSP3 §6.7.2.8). */
export function mayShowPicture(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { origin, protocol, host } = new URL(address);
  return SOURCES.some((source) => {
    const [, suffix] = source.split('https://*');
    return suffix === undefined ? source === origin : protocol === 'https:' && host.endsWith(suffix);
  });
}
