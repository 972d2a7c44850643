const KEPT = 500;

/** One message as one recipient got it. */
export interface Mail {
  to: string;
  from: string;
  subject: string;
  text: string;
  html?: string;
  receivedAt: string;
}

/** Mail that was delivered to the sandbox; the oldest goes when there is too much. */
export class Mailbox {
  #mails: Mail[] = [];

  /** Delivers a message. */
  add(mail: Mail): void {
    this.#mails.unshift(mail);
    this.#mails.length = Math.min(this.#mails.length, KEPT);
  }

  /** Newest first; all of it, or what an address got. Addresses compare without regard to case. */
  list(to?: string): Mail[] {
    return this.#mails.filter((mail) => to === undefined || mail.to.toLowerCase() === to.toLowerCase());
  }
}
