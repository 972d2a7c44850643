import { html, type Html } from './html.js';

/** Path of the style sheet. */
export const STYLE_PATH = '/sandbox.css';

/** Returns an HTML document. `theme` is a class of the style sheet. */
export function layout(title: string, theme: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="ko">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${STYLE_PATH}" />
      </head>
      <body class="${theme}">
        ${content}
      </body>
    </html>`;
}
