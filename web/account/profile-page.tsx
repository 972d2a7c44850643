import { useId, useState } from 'react';
import type { OwnProfile } from '../../src/users/schemas.js';
import { Field, Form } from '../ui/form.js';
import { showToast } from '../ui/toasts.js';
import { Avatar } from '../ui/avatar.js';
import { PICTURE_HOSTS } from '../ui/pictures.js';
import { useLoad } from '../ui/use-load.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { callApi } from '../session/api.js';
import { AccountPage } from './account-page.js';
import { setProfile } from '../session/profile.js';
import { useAccountKey } from '../session/queries.js';

export function ProfilePage() {
  const { me } = useWords();
  return (
    <AccountPage title={me.profile}>
      <ProfileLoader />
    </AccountPage>
  );
}

function ProfileLoader() {
  const loaded = useLoad(useAccountKey('profile-form'), (signal) =>
    callApi<OwnProfile>('/users/me', { signal }),
  );
  return <Async loaded={loaded}>{(profile) => <ProfileForm profile={profile} />}</Async>;
}

function ProfileForm({ profile }: { readonly profile: OwnProfile }) {
  const { me, entry } = useWords();
  const [shown, setShown] = useState({ nickname: profile.nickname, avatarUrl: profile.avatarUrl ?? '' });
  const avatarUrl = /^https:\/\/./.test(shown.avatarUrl) ? shown.avatarUrl : null;
  return (
    <Form
      submit={me.save}
      send={async ({ nickname, avatarUrl: address = '', bio, locale }) => {
        const body = { nickname, avatarUrl: address.trim() === '' ? null : address.trim(), bio, locale };
        setProfile(await callApi<OwnProfile>('/users/me', { method: 'PATCH', body }));
        showToast({ tone: 'good', text: (words) => words.me.saved });
      }}
    >
      <Avatar person={{ id: profile.id, nickname: shown.nickname, avatarUrl }} size="large" />
      <Field
        name="nickname"
        label={entry.nickname}
        hint={entry.nicknameHint}
        value={profile.nickname}
        autoComplete="nickname"
        onChange={(nickname) => setShown({ ...shown, nickname })}
      />
      <Field
        name="avatarUrl"
        label={me.avatar}
        hint={me.avatarHint(PICTURE_HOSTS)}
        type="url"
        value={profile.avatarUrl ?? ''}
        onChange={(address) => setShown({ ...shown, avatarUrl: address })}
      />
      <Field name="bio" label={me.bio} hint={me.bioHint} value={profile.bio} rows={4} />
      <MailLanguage value={profile.locale} />
    </Form>
  );
}

function MailLanguage({ value }: { readonly value: OwnProfile['locale'] }) {
  const { me } = useWords();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{me.mailLanguage}</label>
      <select id={id} name="locale" defaultValue={value}>
        <option value="ko" lang="ko">
          한국어
        </option>
        <option value="en" lang="en">
          English
        </option>
      </select>
    </div>
  );
}
