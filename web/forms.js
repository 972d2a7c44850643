import { knows, say } from './language.js';
import { Failure } from './session.js';

/** What the server says about a field, in our words; the first that fits. @type {ReadonlyArray<[string, RegExp, string]>} */
const FIELD_WORDS = [
  ['/email', /./, 'field_email'],
  ['/password', /common/, 'field_password_common'],
  ['/password', /address|nickname/, 'field_password_own'],
  ['/password', /\b1 to\b/, 'field_password_missing'],
  ['/password', /characters/, 'field_password_length'],
  ['/password', /./, 'field_password'],
  ['/nickname', /./, 'field_nickname'],
];

/**
 * Sends a form when it is submitted, once at a time, and tells what the server finds wrong near each field.
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>) => Promise<void>} send
 * @param {(error: unknown) => void} report what is wrong with no field in particular
 */
export function onSubmit(form, send, report) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const submit = form.querySelector('button.main');
    if (!(submit instanceof HTMLButtonElement) || submit.disabled) return;
    submit.disabled = true;
    clearFields(form);
    try {
      const values = [...new FormData(form)].map(([name, value]) => [
        name,
        typeof value === 'string' ? value : '',
      ]);
      await send(Object.fromEntries(values));
      form.reset();
    } catch (error) {
      report(error);
      if (error instanceof Failure) markFields(form, error);
    } finally {
      submit.disabled = false;
    }
  });
}

/** @param {unknown} error @returns {[name: string, details?: Record<string, number>]} words for {@link say} */
export function wordsFor(error) {
  // Anything else is a mistake of ours, and belongs in the console.
  if (!(error instanceof Failure)) throw error;
  if (error.code === 'too_many_attempts' && error.retryAfter !== undefined) {
    return ['problem_too_many_attempts_for', { seconds: error.retryAfter }];
  }
  const name = `problem_${error.code}`;
  return [knows(name) ? name : 'problem_other'];
}

/** @param {HTMLFormElement} form @param {Failure} failure */
function markFields(form, { errors }) {
  for (const { pointer, detail } of errors) {
    const input = form.elements.namedItem(pointer.slice(1));
    if (!(input instanceof HTMLInputElement) || input.getAttribute('aria-invalid') === 'true') continue;
    const note = document.createElement('p');
    note.className = 'field-error';
    note.id = `${input.id}-error`;
    const fitting = FIELD_WORDS.find(([field, pattern]) => field === pointer && pattern.test(detail));
    say(note, fitting?.[2] ?? 'field_other');
    input.after(note);
    input.setAttribute('aria-invalid', 'true');
    input.setAttribute('aria-errormessage', note.id);
  }
  const first = form.querySelector('[aria-invalid=true]');
  if (first instanceof HTMLElement) first.focus();
}

/** @param {HTMLFormElement} form */
function clearFields(form) {
  for (const note of form.querySelectorAll('.field-error')) note.remove();
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    input.removeAttribute('aria-errormessage');
  }
}
