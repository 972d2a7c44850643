import { beforeEach, describe, expect, it } from '@jest/globals';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

describeWith('chromium', 'external pictures in a browser', () => {
  const web = useWebPage({ IMAGE_ORIGINS: 'https://pictures.example,https://*.cdn.example' });
  /** Hosts that received a request of the page. */
  let asked: string[];
  beforeEach(() => {
    asked = [];
    web.page
      .context()
      .on(
        'request',
        (request) => request.url().startsWith('https:') && asked.push(new URL(request.url()).host),
      );
  });

  /** Creates a post as Mina. */
  async function write(body: string): Promise<void> {
    await web.openAs('mina', '/b/free/write');
    await web.fillIn({ Title: 'Pictures', Text: body }, 'Publish');
    await web.sees('.post h1', 'Pictures');
  }

  /** Sets the picture of Mina, and opens a list with her post. */
  async function showAvatar(address: string): Promise<void> {
    await write('See my avatar');
    await web.page.goto('/me');
    await web.sees('form');
    await web.fillIn({ Picture: address }, 'Save');
    await web.sees('.note.good', 'Saved.');
    // The picture of the previous test was shown until now.
    asked.length = 0;
    await web.page.goto('/b/free');
    await web.sees('.post-list h2', 'Pictures');
  }

  it.each(['https://pictures.example/me.svg', 'https://a.cdn.example/me.svg'])(
    'show an avatar from a host of IMAGE_ORIGINS: %s',
    async (address) => {
      await showAvatar(address);
      await web.sees(`.post-list .avatar img[src="${address}"]`);
      expect(new Set(asked)).toEqual(new Set([new URL(address).host]));
    },
  );

  it.each([
    'https://tracker.example/pixel?id=1',
    'https://cdn.example/me.svg',
    'https://acdn.example/me.svg',
    'https://pictures.example:444/me.svg',
    'https://pictures.example.tracker.example/me.svg',
    'https://pictures.example@tracker.example/me.svg',
  ])('replace an avatar from any other host by a letter, without a request: %s', async (address) => {
    await showAvatar(address);
    await web.sees('.post-list .avatar', '김');
    expect(asked).toEqual([]);
  });

  it('are limited to hosts that the profile page names', async () => {
    await web.openAs('mina', '/me');
    await web.sees('.hint', 'Only pictures from these hosts are shown: pictures.example, *.cdn.example.');
  });

  it('are shown in a post from a host of IMAGE_ORIGINS', async () => {
    await write('![a roof](https://a.cdn.example/roof.svg)');
    await web.sees('.prose img[alt="a roof"]');
    expect(asked).toEqual(['a.cdn.example']);
  });

  describe('in a post from any other host', () => {
    it('are replaced by a link without a referrer', async () => {
      await write('![a roof](https://tracker.example/roof.svg?id=1) ![](https://tracker.example/pixel)');
      const links = web.page.locator('.prose a');
      expect(await links.allTextContents()).toEqual([
        'a roof: picture (tracker.example)',
        'picture (tracker.example)',
      ]);
      expect(
        await links
          .first()
          .evaluate((link: HTMLAnchorElement) => [link.href, link.target, link.rel.split(' ')]),
      ).toEqual([
        'https://tracker.example/roof.svg?id=1',
        '_blank',
        expect.arrayContaining(['noopener', 'noreferrer']),
      ]);
      expect(asked).toEqual([]);
    });

    it('are replaced by their description within a link', async () => {
      await write('[![a roof](https://tracker.example/roof.svg)](https://example.com/roofs)');
      const link = web.page.locator('.prose a');
      expect([await link.textContent(), await link.getAttribute('href')]).toEqual([
        'a roof: picture (tracker.example)',
        'https://example.com/roofs',
      ]);
      expect(asked).toEqual([]);
    });

    it.each(['https://[', 'data:image/png;base64,AAAA', 'mailto:a@b.example', '//tracker.example/pixel'])(
      'cause no request to %s',
      async (address) => {
        await write(`![what it is called](${address})`);
        await web.sees('.prose', 'what it is called');
        expect(await web.page.locator('.prose img').count()).toBe(0);
        expect(asked).toEqual([]);
      },
    );

    it('cause no request in a preview either', async () => {
      await web.openAs('mina', '/b/free/write');
      await web.fillIn({ Title: 'x', Text: '![a roof](https://tracker.example/roof.svg)' }, 'Preview');
      await web.sees('.preview a', 'a roof: picture (tracker.example)');
      expect(asked).toEqual([]);
    });
  });
});
