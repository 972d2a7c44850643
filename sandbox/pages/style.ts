/** Style sheet of the sandbox. */
export const STYLE = `
:root { color-scheme: light; font-family: system-ui, -apple-system, 'Apple SD Gothic Neo', 'Noto Sans KR', sans-serif; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; line-height: 1.5; word-break: keep-all; overflow-wrap: break-word; color: #1f1f1f; background: #f0f2f5; }
span[lang='en'] { color: #6b6f76; }
.quiet { color: #565a61; font-size: 0.875rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.85em; overflow-wrap: anywhere; }

.door { display: flex; flex-direction: column; align-items: center; padding: 0 16px 32px; }
.banner { width: 100%; max-width: 440px; margin: 24px 0 12px; padding: 8px 12px; border: 1px dashed #9a6700;
  border-radius: 8px; background: #fff8e1; color: #5c3d00; font-size: 0.8125rem; text-align: center; text-wrap: balance; }
.card { width: 100%; max-width: 440px; overflow: hidden; background: #fff; border-radius: 16px;
  box-shadow: 0 1px 2px rgb(0 0 0 / 8%), 0 8px 28px rgb(0 0 0 / 10%); }
.card > header { display: flex; align-items: center; justify-content: center; height: 72px; background: var(--brand); }
.card > header svg { display: block; }
.content { padding: 20px 20px 16px; }
.google { --brand: #fff; --initial: #e8f0fe; --ink: #1a56c4; }
.kakao { --brand: #fee500; --initial: #fff3a8; --ink: #3c2f00; }
.naver { --brand: #03a94d; --initial: #d6f5e3; --ink: #03783a; }
.google .card > header { border-bottom: 1px solid #e3e5e8; }
h1 { margin: 0; font-size: 1.25rem; line-height: 1.35; }
h1 span, h2 span[lang='en'] { font-size: 0.875rem; font-weight: 400; }
.content > .quiet { margin: 4px 0 16px; }

.personas { list-style: none; margin: 0; padding: 0; border: 1px solid #e3e5e8; border-radius: 12px; overflow: hidden; }
.personas li + li { border-top: 1px solid #e3e5e8; }
button { width: 100%; font: inherit; color: inherit; cursor: pointer; }
.personas button { display: flex; align-items: center; gap: 12px; padding: 10px 14px; border: 0; background: #fff; text-align: left; }
.personas button:hover { background: #f6f7f9; }
button:focus-visible, a:focus-visible { outline: 3px solid #1a56c4; outline-offset: -3px; }
.initial { flex: none; display: grid; place-items: center; width: 36px; height: 36px; border-radius: 50%;
  background: var(--initial); color: var(--ink); font-weight: 600; }
.who { min-width: 0; display: flex; flex-direction: column; line-height: 1.35; }
.who small { color: #565a61; font-size: 0.8125rem; }
.cancel { margin-top: 12px; padding: 11px; border: 1px solid #c4c7cc; border-radius: 12px; background: #fff; }
.cancel:hover { background: #f6f7f9; }
.content > .scope { margin: 14px 0 0; font-size: 0.75rem; }
.code { margin: 12px 0 8px; padding: 10px 12px; border-radius: 8px; background: #fdecea; color: #8c1d18; font-weight: 600; overflow-wrap: anywhere; }

.wide { max-width: 760px; margin: 0 auto; padding: 24px 16px 48px; }
.wide > header { display: flex; align-items: baseline; justify-content: space-between; gap: 16px; }
nav { display: flex; gap: 16px; font-size: 0.875rem; }
a { color: #1a56c4; }
a span[lang='en'] { color: inherit; }
article { margin-top: 16px; padding: 16px 20px; background: #fff; border: 1px solid #e3e5e8; border-radius: 12px; }
h2 { display: flex; align-items: center; gap: 10px; margin: 0 0 4px; font-size: 1.0625rem; overflow-wrap: anywhere; }
article > .quiet { margin: 0 0 12px; overflow-wrap: anywhere; }
.text { padding-top: 12px; border-top: 1px solid #e3e5e8; white-space: pre-wrap; overflow-wrap: anywhere; }
.empty { padding: 40px 16px; text-align: center; color: #565a61; }
.chip { display: grid; place-items: center; width: 32px; height: 32px; border-radius: 8px; background: var(--brand); }
.chip.google { border: 1px solid #e3e5e8; }
.chip svg { width: 18px; height: 18px; }
table { width: 100%; margin-top: 10px; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 7px 8px 7px 0; border-top: 1px solid #eceef1; text-align: left; vertical-align: top; font-weight: 400; }
th { width: 11em; }
td:nth-child(2) { width: 13em; }
@media (max-width: 560px) {
  tr { display: block; padding: 8px 0; border-top: 1px solid #eceef1; }
  th, td, td:nth-child(2) { display: block; width: auto; padding: 0; border: 0; }
}
`;
