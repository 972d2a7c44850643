import { useState } from 'react';
import type { ProviderList } from '../../src/auth/social/schemas.js';
import google from '../brands/google.svg';
import kakao from '../brands/kakao.svg';
import naver from '../brands/naver.svg';
import { useLoad } from '../ui/use-load.js';
import { useWords } from '../i18n/language.js';
import { callApiAnonymously } from '../session/api.js';
import { logInWith } from '../session/session.js';
import { externalBrowserUrl } from './external-browser-url.js';
import './provider-buttons.css';

export type Provider = ProviderList[number];

/** Logos of the providers with brand guidelines for login buttons; provider-buttons.css follows these. */
const SYMBOLS: Readonly<Record<string, string>> = { google, kakao, naver };

interface ProviderButtonsProps {
  /** Path or URL to return to after the login. The server validates it. */
  readonly returnTo: string;
  /** Provider of the first button. */
  readonly first?: string;
}

/** One login button for each enabled provider. */
export function ProviderButtons({ returnTo, first }: ProviderButtonsProps) {
  const { entry, frame } = useWords();
  const { data, error, refetch } = useProviders();
  if (error !== null) {
    return (
      <div className="note bad" role="alert">
        <p>{entry.noProviders}</p>
        <button className="plain" onClick={() => void refetch()}>
          {frame.tryAgain}
        </button>
      </div>
    );
  }
  return (
    <ul className="providers" aria-label={entry.providers} aria-busy={data === undefined}>
      {data
        ?.toSorted((a, b) => Number(b.id === first) - Number(a.id === first))
        .map((provider) => (
          <li key={provider.id}>
            {provider.openOutside === true ? (
              <OutsideButton provider={provider} />
            ) : (
              <ProviderButton provider={provider} returnTo={returnTo} />
            )}
          </li>
        ))}
    </ul>
  );
}

function ProviderButton({ provider: { id, name }, returnTo }: { provider: Provider; returnTo: string }) {
  const { entry } = useWords();
  const symbol = SYMBOLS[id];
  return (
    <button
      className={symbol === undefined ? 'provider' : `provider ${id}`}
      onClick={() => logInWith(id, returnTo)}
    >
      {symbol !== undefined && <img src={symbol} alt="" width="20" height="20" />}
      <span>{symbol === undefined ? entry.other(name) : entry.logInWith[id]}</span>
    </button>
  );
}

/** Opens the page in the default browser of the device. If the app has no URL for that, it copies the address. */
function OutsideButton({ provider: { id } }: { provider: Provider }) {
  const { entry } = useWords();
  const [copied, setCopied] = useState(false);
  const page = location.href;
  const outside = externalBrowserUrl(page, navigator.userAgent);
  const symbol = SYMBOLS[id];
  const image = symbol !== undefined && <img src={symbol} alt="" width="20" height="20" />;
  return (
    <div className="open-outside">
      {outside === undefined ? (
        <button
          className={`provider ${id}`}
          onClick={() => void navigator.clipboard?.writeText(page).then(() => setCopied(true))}
        >
          {image}
          <span>{entry.copyAddress}</span>
        </button>
      ) : (
        <a className={`provider ${id}`} href={outside}>
          {image}
          <span>{entry.openOutside}</span>
        </a>
      )}
      <p className="hint" role="status">
        {copied
          ? entry.copied
          : outside === undefined
            ? `${entry.outside} ${entry.openOutsideHint}`
            : entry.outside}
      </p>
    </div>
  );
}

/** Loads the enabled providers, in the order of their buttons. */
export function useProviders() {
  return useLoad(['providers'], (signal) => callApiAnonymously<ProviderList>('/auth/providers', { signal }));
}
