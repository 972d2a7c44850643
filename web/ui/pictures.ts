/**
 * Sources of pictures from elsewhere (`IMAGE_ORIGINS`), which the server writes into the page. The content security policy
 * allows the same ones; a picture from any other host would tell that host the addresses of readers.
 */
const SOURCES = (document.querySelector<HTMLMetaElement>('meta[name=image-origins]')?.content ?? '')
  .split(' ')
  .filter(Boolean);

/** Their hosts, as people read them. */
export const PICTURE_HOSTS = SOURCES.map((source) => source.replace(/^https:\/\//, ''));

/** True where the picture at an address may be shown, by the rules of a content security policy (CSP3 §6.7.2.8). */
export function mayShowPicture(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { origin, protocol, host } = new URL(address);
  return SOURCES.some((source) => {
    const [, suffix] = source.split('https://*');
    return suffix === undefined ? source === origin : protocol === 'https:' && host.endsWith(suffix);
  });
}
