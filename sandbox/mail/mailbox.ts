const MAX_MAILS = 500;

/** A message for one recipient. */
export interface Mail {
  to: string;
  from: string;
  subject: string;
  text: string;
  html?: string;
  receivedAt: string;
}

/** Mailbox of all messages to the sandbox. The oldest messages are dropped. */
export class Mailbox {
  #mails: Mail[] = [];

  /** Delivers a message. */
  add(mail: Mail): void {
    this.#mails.unshift(mail);
    this.#mails.length = Math.min(this.#mails.length, MAX_MAILS);
  }

  /** Returns messages, newest first: all, or the ones to an address. Addresses are compared without case. */
  list(to?: string): Mail[] {
    return this.#mails.filter((mail) => to === undefined || mail.to.toLowerCase() === to.toLowerCase());
  }
}
